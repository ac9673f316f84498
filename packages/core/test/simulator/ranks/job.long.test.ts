import { describe, expect, test } from 'vitest'
import { freshSeed, howToRepeat } from '../schedules.ts'
import { simulateJob } from './simulate-job.ts'
import { brokenVariants } from './variants.ts'

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
      expect(schedule.violation, howToRepeat(seed, schedule)).toBeUndefined()
    }
    expect(turns).toBeGreaterThan(schedules * 100)
  },
)

/** The number of seeds within which each broken variant must be detected. */
const patience = 300

describe('the oracle of ranks detects', () => {
  test.each(Object.entries(brokenVariants))('%s', { timeout }, async (_, variant) => {
    const violations: string[] = []
    for (let seed = 1; seed <= patience && violations.length === 0; seed += 1) {
      const { violation } = await simulateJob(seed, variant)
      if (violation !== undefined) violations.push(violation.message)
    }
    expect(violations, `not caught within ${patience} seeds`).toHaveLength(1)
    expect(violations[0]).toMatch(/^[RP]\d: /)
  })
})
