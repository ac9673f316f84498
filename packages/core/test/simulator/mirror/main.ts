/** Runs many schedules of mirrors: `npx -y pnpm@12 simulate-mirrors [--schedules N] [--seed S] [--processes P]`. */
import { runSchedules } from '../many-schedules.ts'
import { simulateMirror } from './simulate-mirror.ts'

await runSchedules({
  program: import.meta.filename,
  simulate: simulateMirror,
  schedules: 50_000,
  count: ({ turns, reports }) => ({ turns, mirrored: reports }),
})
