/**
 * `@holdfast/page/analysis`: what the page shows about runs and checkpoints, as data. It loads neither the page nor its
 * server.
 */
export { isNeverPruned } from './collect-runs.ts'
export {
  type CheckpointDifference,
  type ComparedTensor,
  differenceOf,
  tensorDifferences,
} from './difference/checkpoints.ts'
export { changesOnly, type Difference } from './difference/difference.ts'
export { bytesByReason, bytesPerDay, fullAt, type ReasonStatistics } from './statistics/statistics.ts'
