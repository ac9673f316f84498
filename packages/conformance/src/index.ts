export type { Case, Subject } from './subject.ts'
export { conformanceCases, describeConformance, type Runner } from './suite.ts'
