export { policiesFor } from './policies-for.ts'
export type { PolicyDocument } from './document.ts'
