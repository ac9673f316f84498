import { attemptPrefix } from '../../../src/catalog/documents/index.ts'
import { latestOf } from '../../../src/order-key.ts'
import type { Disk } from '../disk.ts'
import type { Random } from '../random.ts'
import type { JobOracle } from './oracle.ts'

/** Flips a byte of a file below a prefix, or of none if there is no file. */
export function flipOne(disk: Disk, random: Random, prefix: string): void {
  const keys = disk.keys(prefix).filter((key) => !key.endsWith('/manifest.json'))
  const key = keys[random.below(Math.max(1, keys.length))]
  if (key !== undefined) disk.flip(key, random.below(100_000))
}

/** Flips a byte of the latest checkpoint, if there is one. */
export function damageLatest(disk: Disk, random: Random, { truth }: JobOracle): void {
  const latest = latestOf(truth?.checkpoints ?? [])
  if (latest !== undefined) flipOne(disk, random, attemptPrefix(latest.attempt))
}
