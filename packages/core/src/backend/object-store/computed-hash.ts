import { ConcurrentDigest } from '../../integrity/index.ts'
import type { ObjectHash, ReadableObject } from '../backend.ts'
import { chunksOf } from '../source/chunks-of.ts'

/** Computes the SHA-256 of an object by reading it to its end. */
export async function computedHash(object: ReadableObject): Promise<ObjectHash> {
  const { size } = object.stat
  const digest = new ConcurrentDigest(size)
  const chunks = chunksOf(object, size, digest.inThread ? digest.allocate : undefined)
  for await (const _ of digest.passing(chunks)) continue
  return { algorithm: 'sha256', value: digest.sha256(), origin: 'computed' }
}
