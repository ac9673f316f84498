import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { type CallOptions, computedHash, type ObjectHash, request } from '@holdfast/core'
import { addressOf, type Bucket, stoppedBy } from './bucket.ts'
import { storeDigestOf } from './checksum.ts'
import { read } from './read.ts'

/** The checksum that the store verified and keeps; without one, computed by reading. */
export async function hash(bucket: Bucket, key: string, { signal }: CallOptions): Promise<ObjectHash> {
  const storeDigest = bucket.checksum === 'none' ? undefined : await kept(bucket, key, signal)
  return storeDigest ?? (await computedHash(await read(bucket, key, { signal })))
}

async function kept(
  bucket: Bucket,
  key: string,
  signal: AbortSignal | undefined,
): Promise<ObjectHash | undefined> {
  const asked = { ...addressOf(bucket, key), ChecksumMode: 'ENABLED' } as const
  const answer = await request(bucket, { what: `Looking at ${key}`, key, signal }, () =>
    bucket.client.send(new HeadObjectCommand(asked), stoppedBy(signal)),
  )
  return storeDigestOf(answer)
}
