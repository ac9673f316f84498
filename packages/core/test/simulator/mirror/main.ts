/** Runs many schedules of mirrors: `node test/simulator/mirror/main.ts [schedules] [seed]`. A single seed repeats one. */
import { simulateMirror } from './simulate-mirror.ts'

const schedules = Number(process.argv[2] ?? 50_000)
const first = Number(process.argv[3] ?? Date.now() % 1e9)
const began = performance.now()
/** Schedules after which the program prints how far it is. */
const progressEvery = 1_000
let turns = 0
let reports = 0

function report(done: number): void {
  const seconds = ((performance.now() - began) / 1000).toFixed(0)
  console.log(
    `${done} schedules from seed ${first}, ${turns} turns, ${reports} mirrored in ${seconds} s, no violation`,
  )
}

for (let seed = first; seed < first + schedules; seed += 1) {
  const schedule = await simulateMirror(seed)
  turns += schedule.turns
  reports += schedule.reports
  if (schedule.violation !== undefined) {
    console.error(`repeat with 1 ${seed}`)
    throw schedule.violation
  }
  const done = seed - first + 1
  if (done % progressEvery === 0 || done === schedules) report(done)
}
