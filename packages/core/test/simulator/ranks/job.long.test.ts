import { expect, test } from 'vitest'
import { freshSeed } from '../schedules.ts'
import { simulateJob } from './simulate-job.ts'

const effort = Number(process.env['HOLDFAST_TEST_EFFORT'] ?? 1)
const schedules = 100 * effort

/** Ends a simulation that hangs, also on a busy machine. */
const timeout = 60 * 60_000

test(
  `breaks no promise in ${schedules} schedules of ranks, faults, deaths and restarts`,
  { timeout },
  async () => {
    let turns = 0
    for (let seed = freshSeed; seed < freshSeed + schedules; seed += 1) {
      const schedule = await simulateJob(seed)
      turns += schedule.turns
      expect(schedule.violation, `repeat: HOLDFAST_SEED=${seed}`).toBeUndefined()
    }
    expect(turns).toBeGreaterThan(schedules * 100)
  },
)
