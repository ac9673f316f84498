/**
 * Runs many schedules: `node test/simulator/main.ts --schedules 100000 [--seed 7]`. A single seed repeats one schedule.
 */
import { parseArgs } from 'node:util'
import { simulate } from './simulate.ts'

const { values } = parseArgs({
  options: { schedules: { type: 'string', default: '100000' }, seed: { type: 'string' } },
})
const first = Number(values.seed ?? Date.now() % 1e9)
const schedules = Number(values.schedules)
const began = performance.now()
console.log(`${schedules} schedules from seed ${first}`)
let turns = 0
for (let seed = first; seed < first + schedules; seed += 1) {
  const schedule = await simulate(seed)
  turns += schedule.turns
  if (schedule.violation !== undefined) {
    console.error(`seed ${seed}: repeat with --schedules 1 --seed ${seed}`)
    throw schedule.violation
  }
  if ((seed - first + 1) % 5000 === 0)
    console.log(`${seed - first + 1} schedules, ${turns} turns, no violation`)
}
const seconds = ((performance.now() - began) / 1000).toFixed(0)
console.log(`${schedules} schedules, ${turns} turns in ${seconds} s, no violation`)
