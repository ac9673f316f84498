import { expect, test } from 'vitest'
import { simulate } from './simulate.ts'

/** The first seed of this run: another one each time, or the one that repeats a failure. */
export const freshSeed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1e9)

/** Declares the test that simulates so many schedules from the fresh seed on. */
export function testSchedules(count: number): void {
  test(`${count} schedules of processes, faults and deaths break no promise`, async () => {
    let turns = 0
    for (let seed = freshSeed; seed < freshSeed + count; seed += 1) {
      const schedule = await simulate(seed)
      turns += schedule.turns
      expect(schedule.violation, `repeat: HOLDFAST_SEED=${seed}`).toBeUndefined()
    }
    expect(turns).toBeGreaterThan(count * 20)
  })
}
