import { createHash } from 'node:crypto'
import { ConcurrentHash, type ObjectHash } from '@holdfast/core/backend'

/**
 * Computes the MD5 that Azure verifies. It detects damage in transit. The SHA-256 of the manifest detects manipulation.
 */
export function md5Of(bytes: Uint8Array): Uint8Array {
  return createHash('md5').update(bytes).digest()
}

/** Computes the MD5 of a part of a large object on another thread. */
export async function concurrentMd5Of(bytes: Uint8Array): Promise<Uint8Array> {
  const hash = new ConcurrentHash('md5')
  await hash.update(bytes)
  return Buffer.from(await hash.digest(), 'hex')
}

/** The fields of a response that describe the checksum of an object. */
export interface Md5Response {
  readonly contentMD5?: Uint8Array | undefined
}

/**
 * Returns the MD5 that the service keeps with an object. The service computes the MD5 of a blob that was sent in one
 * request. For a blob that was assembled from blocks, it repeats the MD5 that the writer sent, and does not validate
 * it: https://learn.microsoft.com/en-us/rest/api/storageservices/put-block-list (`x-ms-blob-content-md5`).
 */
export function storeDigestOf(
  { contentMD5 }: Md5Response,
  origin: 'store' | 'writer',
): ObjectHash | undefined {
  if (contentMD5?.byteLength !== 16) return undefined
  return { algorithm: 'md5', value: Buffer.from(contentMD5).toString('hex'), origin }
}

/**
 * Returns whether a response repeats the MD5 of the bytes that were sent. Only a store that computed the MD5 sends it.
 */
export function isVerifiedBy({ contentMD5 }: Md5Response, md5: Uint8Array): boolean {
  return contentMD5 !== undefined && Buffer.compare(contentMD5, md5) === 0
}
