import { randomUUID } from 'node:crypto'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { HoldfastError, type PutOptions, request, type Upload } from '@holdfast/core'
import { addressOf, type Bucket, payloadOf, storedAs, stoppedBy } from './bucket.ts'
import { type Proof, proofOf, wholeProof } from './checksum.ts'
import { isCalled } from './errors.ts'

/** Parts of one upload, and bytes of the largest (S3 User Guide, "Amazon S3 multipart upload limits"). */
export const maxParts = 10_000
export const maxPartBytes = 5 * 2 ** 30

/** Metadata by which an object is known to be of this very upload, when the answer to its completion was lost. */
const tokenName = 'holdfast-upload'

/** A part that the store has. */
interface SentPart extends Proof {
  readonly PartNumber: number
  readonly ETag: string | undefined
  readonly size: number
}

export async function beginUpload(
  bucket: Bucket,
  key: string,
  { contentType, signal }: PutOptions,
): Promise<Upload<SentPart>> {
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

  return {
    async sendPart({ index, bytes }, partSignal) {
      const part = { ...proofOf(bucket, bytes), PartNumber: index + 1 }
      const what = `Part ${part.PartNumber} of ${key}`
      const { ETag } = await request(bucket, { what, key, signal: partSignal }, () =>
        client.send(
          new UploadPartCommand({ ...address, ...part, Body: bytes, ContentLength: bytes.byteLength }),
          stoppedBy(partSignal),
        ),
      )
      return { ...part, ETag, size: bytes.byteLength }
    },

    async complete(parts) {
      const asked = {
        ...address,
        ...wholeProof(parts),
        ...(isProven ? { ChecksumType: 'FULL_OBJECT' as const } : {}),
        MultipartUpload: { Parts: parts.map(({ size: _, ...part }) => part) },
      }
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
