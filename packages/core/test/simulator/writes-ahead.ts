import { Random } from './random.ts'

/** The share of schedules whose disk writes ahead. */
const share = 0.5

/**
 * Returns whether the disk of a schedule has the capability `writesAhead`. Random numbers of its own decide, so that all other
 * schedules are the same as if there were no such disks.
 */
export function writesAheadIn(seed: number): boolean {
  return new Random(seed ^ 0x5f3759df).chance(share)
}
