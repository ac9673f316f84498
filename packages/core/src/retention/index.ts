export { abandonedReasons } from './abandoned.ts'
export type { Candidate, RetainedCheckpoint } from './checkpoint.ts'
export { clockDoubts, jumpSince, type Present, usesTime } from './clocks.ts'
export { type Decision, decideRetention, type RoomWanted } from './decide.ts'
export {
  planRetention,
  recordedRetentionSchema,
  type RetentionOptions,
  type RetentionPlan,
  retentionSchema,
} from './options.ts'
export type { Situation } from './policies.ts'
