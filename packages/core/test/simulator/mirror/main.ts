/** Runs many schedules of mirrors: `node test/simulator/mirror/main.ts [--schedules N] [--seed S] [--processes P]`. */
import { runSchedules } from '../many-schedules.ts'
import { simulateMirror } from './simulate-mirror.ts'

await runSchedules({
  simulate: simulateMirror,
  schedules: 50_000,
  count: ({ turns, reports }) => ({ turns, mirrored: reports }),
})
