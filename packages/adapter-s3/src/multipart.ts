import { randomUUID } from 'node:crypto'
import { crc32 } from 'node:zlib'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { HoldfastError, type PutOptions, request, type Upload } from '@holdfast/core'
import { addressOf, type Bucket, payloadOf, storedAs, stoppedBy } from './bucket.ts'
import { base64Crc32, proofOf } from './checksum.ts'
import { isCalled } from './errors.ts'

/** Parts of one upload, and bytes of the largest (S3 User Guide, "Amazon S3 multipart upload limits"). */
export const maxParts = 10_000
export const maxPartBytes = 5 * 2 ** 30

/** Metadata by which an object is known to be of this very upload, when the answer to its completion was lost. */
const tokenName = 'holdfast-upload'

export async function beginUpload(
  bucket: Bucket,
  key: string,
  { contentType, signal }: PutOptions,
): Promise<Upload<CompletedPart>> {
  const { client } = bucket
  const isProven = bucket.checksum !== 'none'
  const token = randomUUID()
  // Not stopped once it is on its way: a request that was cut off may still make an upload that nobody knows.
  const { UploadId: uploadId } = await request(bucket, { what: `Beginning ${key}`, key, signal }, () =>
    client.send(
      new CreateMultipartUploadCommand({
        ...payloadOf(bucket, key, contentType),
        Metadata: { [tokenName]: token },
        ...(isProven ? { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } : {}),
      }),
    ),
  )
  if (uploadId === undefined)
    throw new HoldfastError('UNAVAILABLE', `The store began ${key} and gave no upload id.`)
  const address = { ...addressOf(bucket, key), UploadId: uploadId }
  let wholeCrc32 = 0

  return {
    async sendPart({ index, bytes }, partSignal) {
      if (isProven) wholeCrc32 = crc32(bytes, wholeCrc32)
      const part = { ...proofOf(bucket, bytes), PartNumber: index + 1 }
      const what = `Part ${part.PartNumber} of ${key}`
      const { ETag } = await request(bucket, { what, key, signal: partSignal }, () =>
        client.send(
          new UploadPartCommand({ ...address, ...part, Body: bytes, ContentLength: bytes.byteLength }),
          stoppedBy(partSignal),
        ),
      )
      return { ...part, ETag }
    },

    async complete(parts) {
      const proof = isProven
        ? ({ ChecksumCRC32: base64Crc32(wholeCrc32), ChecksumType: 'FULL_OBJECT' } as const)
        : {}
      const asked = { ...address, ...proof, MultipartUpload: { Parts: [...parts] } }
      const answer = await request(bucket, { what: `Completing ${key}`, key }, async () => {
        try {
          return await client.send(new CompleteMultipartUploadCommand(asked))
        } catch (error) {
          // An upload that is gone was completed, if the object carries its token: the answer to that was lost.
          if (!isCalled(error, 'NoSuchUpload')) throw error
          const there = await client.send(
            new HeadObjectCommand({ ...addressOf(bucket, key), ChecksumMode: 'ENABLED' }),
          )
          if (there.Metadata?.[tokenName] !== token) throw error
          return there
        }
      })
      return storedAs(answer)
    },

    discard: () => abortUpload(bucket, key, uploadId),
    leftover: 'Its unfinished upload is left to a sweep.',
  }
}

/** Discards an upload and its parts. One that is gone is no error. */
export async function abortUpload(
  bucket: Bucket,
  key: string,
  uploadId: string,
  signal?: AbortSignal,
): Promise<void> {
  await request(bucket, { what: `Discarding the upload of ${key}`, key, signal }, async () => {
    try {
      await bucket.client.send(
        new AbortMultipartUploadCommand({ ...addressOf(bucket, key), UploadId: uploadId }),
        stoppedBy(signal),
      )
    } catch (error) {
      if (!isCalled(error, 'NoSuchUpload', 'NotFound')) throw error
    }
  })
}
