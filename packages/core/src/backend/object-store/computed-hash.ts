import { StreamingDigest } from '../../integrity/index.ts'
import type { ObjectHash, ReadableObject } from '../backend.ts'
import { chunksOf } from '../chunks-of.ts'

/** The SHA-256 of an object, computed by reading it to its end. */
export async function computedHash({ body, stat }: ReadableObject): Promise<ObjectHash> {
  const digest = new StreamingDigest()
  for await (const chunk of chunksOf(body, stat.size)) digest.update(chunk)
  return { algorithm: 'sha256', value: digest.sha256(), origin: 'computed' }
}
