import { type CallOptions, computedHash, type ObjectHash } from '@holdfast/core/backend'
import type { Disk } from './disk.ts'
import { read } from './read.ts'

/** Computes the digest by reading the file, since a file system keeps no digests. */
export async function hash(disk: Disk, key: string, { signal }: CallOptions): Promise<ObjectHash> {
  return computedHash(await read(disk, key, { signal }))
}
