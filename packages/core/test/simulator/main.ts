/** Runs many schedules: `node test/simulator/main.ts [--schedules N] [--seed S] [--processes P]`. */
import { runSchedules } from './many-schedules.ts'
import { simulate } from './simulate.ts'

await runSchedules({
  simulate,
  schedules: 100_000,
  count: ({ turns }) => ({ turns }),
})
