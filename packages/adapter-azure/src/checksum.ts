import { createHash } from 'node:crypto'
import { ConcurrentHash, type ObjectHash } from '@holdfast/core/backend'

/**
 * MD5 as Azure takes it. It guards against damage on the way, not against an adversary: that is the manifest's SHA-256.
 */
export function md5Of(bytes: Uint8Array): Uint8Array {
  return createHash('md5').update(bytes).digest()
}

/** The same of a part of something large. */
export async function concurrentMd5Of(bytes: Uint8Array): Promise<Uint8Array> {
  const hash = new ConcurrentHash('md5')
  await hash.update(bytes)
  return Buffer.from(await hash.digest(), 'hex')
}

/** What Azure answers about the checksum of an object. */
export interface ToldMd5 {
  readonly contentMD5?: Uint8Array | undefined
}

/**
 * The MD5 that is kept with an object. The service computes that of a blob sent in one request, and repeats what it
 * was told of one that was assembled from blocks (Blob service REST API, "Put Block List": `x-ms-blob-content-md5`
 * is not validated).
 */
export function storeDigestOf({ contentMD5 }: ToldMd5, origin: 'store' | 'writer'): ObjectHash | undefined {
  if (contentMD5?.byteLength !== 16) return undefined
  return { algorithm: 'md5', value: Buffer.from(contentMD5).toString('hex'), origin }
}

/** Whether an answer repeats the MD5 of what was sent, as only a store does that computed it. */
export function isProvenBy({ contentMD5 }: ToldMd5, md5: Uint8Array): boolean {
  return contentMD5 !== undefined && Buffer.compare(contentMD5, md5) === 0
}
