import { StreamingDigest } from '../integrity/index.ts'
import type { ObjectHash, ReadableObject } from './backend.ts'

/** The SHA-256 of an object, computed by reading it to its end. */
export async function computedHash({ body }: ReadableObject): Promise<ObjectHash> {
  const digest = new StreamingDigest()
  for await (const chunk of body) digest.update(chunk)
  return { algorithm: 'sha256', value: digest.sha256(), origin: 'computed' }
}
