import { type CallOptions, computedHash, type ObjectHash } from '@holdfast/core/backend'
import type { Disk } from './disk.ts'
import { read } from './read.ts'

/** A file system keeps no digests, so it is computed by reading. */
export async function hash(disk: Disk, key: string, { signal }: CallOptions): Promise<ObjectHash> {
  return computedHash(await read(disk, key, { signal }))
}
