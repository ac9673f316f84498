/** Runs many schedules of jobs: `npx -y pnpm@12 simulate-ranks [--schedules N] [--seed S] [--processes P]`. */
import { runSchedules } from '../many-schedules.ts'
import { simulateJob } from './simulate-job.ts'

await runSchedules({
  program: import.meta.filename,
  simulate: simulateJob,
  schedules: 100_000,
  count: ({ turns }) => ({ turns }),
})
