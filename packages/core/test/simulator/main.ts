/** Runs many schedules: `npx -y pnpm@12 simulate [--schedules N] [--seed S] [--processes P]`. */
import { runSchedules } from './many-schedules.ts'
import { simulate } from './simulate.ts'

await runSchedules({
  program: import.meta.filename,
  simulate,
  schedules: 100_000,
  count: ({ turns }) => ({ turns }),
})
