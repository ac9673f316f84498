export { type BuiltPage, readBuiltPage } from './built-page.ts'
export type {
  ChangedItem,
  CheckpointPage,
  Cut,
  CutText,
  DifferencePage,
  TensorsPage,
} from './checkpoint-page.ts'
export { checkpointPageOf, differencePageOf, tensorsPageOf } from './collect-checkpoint.ts'
export { isNeverPruned, runsPageOf, type RunsOptions } from './collect-runs.ts'
export { collectRun } from './collect-run.ts'
export {
  type CheckpointDifference,
  type ComparedTensor,
  differenceOf,
  tensorDifferences,
} from './difference/checkpoints.ts'
export { changesOnly, type Difference } from './difference/difference.ts'
export { reportOf } from './report.ts'
export type {
  PageCheckpoint,
  PageCommit,
  PageDrop,
  PageMetrics,
  PageMirror,
  PageQuarantined,
  PageSeries,
  PageUnfinished,
  RunPage,
} from './run-page.ts'
export type { PageReadableRun, PageRun, PageUnreadableRun, RunsPage } from './runs-page.ts'
export { bytesByReason, bytesPerDay, fullAt, type ReasonStatistics } from './statistics/statistics.ts'
export { type PageServer, servePage, type ServeOptions } from './server/serve.ts'
export type { ChangePlan, RunChange, RunChanges, RunSource, RunsSource } from './source.ts'
export { sourceOf, type StoreSourceOptions } from './store-source.ts'
