import { describe, expect, test } from 'vitest'
import { simulate } from './simulate.ts'
import { brokenVariants } from './variants.ts'

const fresh = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1e9)
const schedules = 3000

/** Seeds within which each broken variant must be caught. */
const patience = 300

describe('the store, simulated', () => {
  test(`${schedules} schedules of processes, faults and deaths break no promise`, async () => {
    let turns = 0
    for (let seed = fresh; seed < fresh + schedules; seed += 1) {
      const schedule = await simulate(seed)
      turns += schedule.turns
      expect(schedule.violation, `repeat: HOLDFAST_SEED=${seed}`).toBeUndefined()
    }
    expect(turns).toBeGreaterThan(schedules * 20)
  })

  test('the same seed gives the same turns, another one gives others', async () => {
    for (let seed = fresh; seed < fresh + 20; seed += 1) {
      const [one, again, other] = [await simulate(seed), await simulate(seed), await simulate(seed + 1)]
      expect(again.trace, `seed ${seed}`).toBe(one.trace)
      expect(other.trace).not.toBe(one.trace)
    }
  })
})

describe('a broken Holdfast is caught', () => {
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
