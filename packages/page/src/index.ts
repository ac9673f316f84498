export { type BuiltPage, readBuiltPage } from './built-page.ts'
export { collectRun } from './collect.ts'
export { reportOf } from './report.ts'
export type { PageCheckpoint, PageMetrics, PageQuarantined, PageSeries, RunPage } from './run-page.ts'
