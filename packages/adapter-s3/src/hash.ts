import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { type CallOptions, computedHash, type ObjectHash, requestWithRetry } from '@holdfast/core/backend'
import { addressOf, type Bucket, storedAs } from './bucket.ts'
import { storeDigestOf } from './checksum.ts'
import { read } from './read.ts'
import { send } from './send.ts'

/** Returns the checksum that the store verified and keeps. Without one, computes it by reading the object. */
export async function hash(bucket: Bucket, key: string, { signal }: CallOptions): Promise<ObjectHash> {
  const storeDigest = bucket.checksum === 'none' ? undefined : await kept(bucket, key, signal)
  return storeDigest ?? (await computedHash(await read(bucket, key, { signal })))
}

async function kept(
  bucket: Bucket,
  key: string,
  signal: AbortSignal | undefined,
): Promise<ObjectHash | undefined> {
  const info = { what: `Looking at ${key}`, key, signal }
  return requestWithRetry(bucket, info, async () => {
    const command = new HeadObjectCommand({ ...addressOf(bucket, key), ChecksumMode: 'ENABLED' })
    const answer = await send(bucket, info, 'no body', command, signal)
    storedAs(info, answer)
    return storeDigestOf(answer)
  })
}
