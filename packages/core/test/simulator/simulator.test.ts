import { describe, expect, test } from 'vitest'
import { freshSeed, testSchedules } from './schedules.ts'
import { simulate } from './simulate.ts'
import { brokenVariants } from './variants.ts'

/** The number of seeds within which each broken variant must be detected. */
const patience = 300

describe('the store, simulated', () => {
  testSchedules(500)

  // A writer slept while its version was damaged, rebuilt and swept, and deleted by what its late version had dropped.
  test('breaks no promise in a schedule that once deleted a listed checkpoint', async () => {
    expect((await simulate(40417028)).violation).toBeUndefined()
  })

  test('repeats the same turns for the same seed only', async () => {
    for (let seed = freshSeed; seed < freshSeed + 20; seed += 1) {
      const [one, again, other] = [await simulate(seed), await simulate(seed), await simulate(seed + 1)]
      expect(again.trace, `seed ${seed}`).toBe(one.trace)
      expect(other.trace).not.toBe(one.trace)
    }
  })
})

describe('the simulator detects a broken Holdfast', () => {
  test.each(Object.entries(brokenVariants))('%s', async (_, variant) => {
    const violations: string[] = []
    for (let seed = 1; seed <= patience && violations.length === 0; seed += 1) {
      const { violation } = await simulate(seed, variant)
      if (violation !== undefined) violations.push(violation.message)
    }
    expect(violations, `not caught within ${patience} seeds`).toHaveLength(1)
    expect(violations[0]).toMatch(/^(P\d|Rule \d): /)
  })
})
