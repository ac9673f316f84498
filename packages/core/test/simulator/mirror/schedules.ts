import { expect, test } from 'vitest'
import { freshSeed, howToRepeat } from '../schedules.ts'
import { simulateMirror } from './simulate-mirror.ts'

/** Ends a simulation that hangs, also on a busy machine. */
const timeout = 60 * 60_000

/** Declares a test that simulates this number of schedules from the first seed on. */
export function testMirrors(count: number): void {
  test(
    `loses nothing that was mirrored in ${count} schedules of nodes, disks, faults and deaths`,
    { timeout },
    async () => {
      let reports = 0
      for (let seed = freshSeed; seed < freshSeed + count; seed += 1) {
        const schedule = await simulateMirror(seed)
        reports += schedule.reports
        expect(schedule.violation, howToRepeat(seed, schedule)).toBeUndefined()
      }
      expect(reports).toBeGreaterThan(count)
    },
  )
}
