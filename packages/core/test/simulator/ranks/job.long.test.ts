import { expect, test } from 'vitest'
import { freshSeed } from '../schedules.ts'
import { simulateJob } from './simulate-job.ts'

/** Ends a simulation that hangs, also on a busy machine. */
const timeout = 10 * 60_000

test('breaks no promise in 300 schedules of ranks, faults, deaths and restarts', { timeout }, async () => {
  let turns = 0
  for (let seed = freshSeed; seed < freshSeed + 300; seed += 1) {
    const schedule = await simulateJob(seed)
    turns += schedule.turns
    expect(schedule.violation, `repeat: HOLDFAST_SEED=${seed}`).toBeUndefined()
  }
  expect(turns).toBeGreaterThan(300 * 100)
})
