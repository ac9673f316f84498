/** Runs many schedules of jobs: `node test/simulator/ranks/main.ts [--schedules N] [--seed S] [--processes P]`. */
import { runSchedules } from '../many-schedules.ts'
import { simulateJob } from './simulate-job.ts'

await runSchedules({
  simulate: simulateJob,
  schedules: 100_000,
  count: ({ turns }) => ({ turns }),
})
