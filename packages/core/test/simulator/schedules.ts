import { expect, test } from 'vitest'
import { type Schedule, simulate } from './simulate.ts'

/** The first seed of this run: a new one each time, or the one to repeat. */
export const freshSeed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1e9)

/** What a failed test prints about a schedule. */
export function howToRepeat(seed: number, { writesAhead }: Schedule): string {
  return `repeat: HOLDFAST_SEED=${seed} (the disk ${writesAhead ? 'writes ahead' : 'does not write ahead'})`
}

/** Ends a simulation that hangs, also on a busy machine. */
const timeout = 60 * 60_000

/** Declares a test that simulates this number of schedules from the first seed on. */
export function testSchedules(count: number): void {
  test(`breaks no promise in ${count} schedules of processes, faults and deaths`, { timeout }, async () => {
    let turns = 0
    for (let seed = freshSeed; seed < freshSeed + count; seed += 1) {
      const schedule = await simulate(seed)
      turns += schedule.turns
      expect(schedule.violation, howToRepeat(seed, schedule)).toBeUndefined()
    }
    expect(turns).toBeGreaterThan(count * 20)
  })
}
