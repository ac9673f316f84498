import { type CallOptions, computedHash, noSuchObject, type ObjectHash } from '@holdfast/core/backend'
import type { Bucket } from './bucket.ts'
import { storeDigestOf } from './checksum.ts'
import { look, read } from './read.ts'

/** Returns the CRC32C that the store computed and keeps. Without one, computes a digest by reading the object. */
export async function hash(bucket: Bucket, key: string, { signal }: CallOptions): Promise<ObjectHash> {
  const object = await look(bucket, key, signal)
  if (object === undefined) throw noSuchObject(bucket, key)
  return storeDigestOf(object.crc32c) ?? (await computedHash(await read(bucket, key, { signal })))
}
