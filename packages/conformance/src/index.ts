export { processCases } from './cases/processes.ts'
export type { Place } from './place.ts'
export type { Case, FailingBackends, Subject } from './subject.ts'
export { conformanceCases, describeConformance, type Runner, type TestFunction } from './suite.ts'
