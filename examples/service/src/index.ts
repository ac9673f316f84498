export { openRuns, Runs, type RunState } from './runs.ts'
