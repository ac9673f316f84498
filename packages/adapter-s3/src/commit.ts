import { PutObjectCommand } from '@aws-sdk/client-s3'
import { type CommitOptions, type CommitOutcome, createOnce } from '@holdfast/core/backend'
import { addressOf, type Bucket, encryptionOf, storedAs } from './bucket.ts'
import { checksumOf, isVerifiedBy } from './checksum.ts'
import { isThereAlready } from './errors.ts'
import { read } from './read.ts'
import { send } from './send.ts'
import { requireConditions } from './without-conditions.ts'

/**
 * Sends one PUT with `If-None-Match: *`. The status 412 means that the object exists. The status 409 means that another
 * request interfered, and is retried. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
export async function commit(
  bucket: Bucket,
  key: string,
  bytes: Uint8Array,
  { signal, onCreated }: CommitOptions,
): Promise<CommitOutcome> {
  await requireConditions(bucket)
  const info = { what: `The commit of ${key}`, key, signal }
  const checksum = checksumOf(bucket, bytes)
  const input = {
    ...addressOf(bucket, key),
    ...encryptionOf(bucket),
    ...checksum,
    IfNoneMatch: '*',
    Body: bytes,
    ContentLength: bytes.byteLength,
    ContentType: 'application/json',
  }
  return createOnce(bucket, info, {
    bytes,
    async create() {
      const command = new PutObjectCommand(input)
      const answer = await send(bucket, info, 'no body', command)
      const { revision } = storedAs(info, answer)
      return { revision, isVerified: isVerifiedBy(info, answer, checksum) }
    },
    isThereAlready,
    read: () => read(bucket, key, {}),
    onCreated,
  })
}
