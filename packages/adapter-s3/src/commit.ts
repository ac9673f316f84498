import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { type CommitOutcome, createOnce, request } from '@holdfast/core'
import { addressOf, type Bucket, encryptionOf } from './bucket.ts'
import { base64Crc32, crc32Of } from './checksum.ts'
import { isThereAlready, mayHaveHappened } from './errors.ts'

/**
 * One PUT with `If-None-Match: *` (S3 User Guide, "Conditional writes"): 412 says that the object is there, 409 that
 * another request got in between, so that it is made again.
 */
export async function commit(
  bucket: Bucket,
  key: string,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<CommitOutcome> {
  return createOnce(
    bucket,
    { what: `The commit of ${key}`, key, signal },
    {
      async create() {
        await bucket.client.send(
          new PutObjectCommand({
            ...addressOf(bucket, key),
            ...encryptionOf(bucket),
            IfNoneMatch: '*',
            Body: bytes,
            ContentLength: bytes.byteLength,
            ContentType: 'application/json',
            ...(bucket.checksum === 'none' ? {} : { ChecksumCRC32: base64Crc32(crc32Of(bytes)) }),
          }),
        )
      },
      isThereAlready,
      mayHaveHappened,
      holdsOurs: async () => Buffer.compare(await readBack(bucket, key), bytes) === 0,
    },
  )
}

async function readBack(bucket: Bucket, key: string): Promise<Uint8Array> {
  return request(bucket, { what: `Reading back ${key}`, key }, async () => {
    const { Body } = await bucket.client.send(new GetObjectCommand(addressOf(bucket, key)))
    return (await Body?.transformToByteArray()) ?? new Uint8Array(0)
  })
}
