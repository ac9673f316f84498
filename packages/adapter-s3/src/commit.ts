import { PutObjectCommand } from '@aws-sdk/client-s3'
import { type CallOptions, type CommitOutcome, createOnce } from '@holdfast/core'
import { addressOf, type Bucket, encryptionOf } from './bucket.ts'
import { proofOf } from './checksum.ts'
import { isThereAlready, mayHaveHappened } from './errors.ts'
import { read } from './read.ts'

/**
 * One PUT with `If-None-Match: *` (S3 User Guide, "Conditional writes"): 412 says that the object is there, 409 that
 * another request got in between, so that it is made again.
 */
export async function commit(
  bucket: Bucket,
  key: string,
  bytes: Uint8Array,
  { signal }: CallOptions,
): Promise<CommitOutcome> {
  const asked = {
    ...addressOf(bucket, key),
    ...encryptionOf(bucket),
    ...proofOf(bucket, bytes),
    IfNoneMatch: '*',
    Body: bytes,
    ContentLength: bytes.byteLength,
    ContentType: 'application/json',
  }
  return createOnce(
    bucket,
    { what: `The commit of ${key}`, key, signal },
    {
      bytes,
      create: () => bucket.client.send(new PutObjectCommand(asked)),
      isThereAlready,
      mayHaveHappened,
      read: () => read(bucket, key, {}),
    },
  )
}
