import { expect, test } from 'vitest'
import { freshSeed, howToRepeat } from '../schedules.ts'
import { simulateJob } from './simulate-job.ts'

test('breaks no promise in 15 schedules of ranks, faults, deaths and restarts', async () => {
  let turns = 0
  for (let seed = freshSeed; seed < freshSeed + 15; seed += 1) {
    const schedule = await simulateJob(seed)
    turns += schedule.turns
    expect(schedule.violation, howToRepeat(seed, schedule)).toBeUndefined()
  }
  expect(turns).toBeGreaterThan(15 * 100)
})

test('repeats the same turns of a job for the same seed only', async () => {
  const [one, again, other] = [
    await simulateJob(freshSeed),
    await simulateJob(freshSeed),
    await simulateJob(freshSeed + 1),
  ]
  expect(again.trace, `seed ${freshSeed}`).toBe(one.trace)
  expect(other.trace).not.toBe(one.trace)
})
