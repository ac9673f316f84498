import { randomUUID } from 'node:crypto'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { HoldfastError, isHoldfastError, type Part, request } from '@holdfast/core'
import { addressOf, type Bucket, payloadOf, type Stored, storedAs, stoppedBy } from './bucket.ts'
import { base64Crc32, crc32Of } from './checksum.ts'
import { isCalled } from './errors.ts'

/** Parts of one upload (S3 User Guide, "Amazon S3 multipart upload limits"). */
export const maxParts = 10_000

/** Metadata by which an object is known to be of this very upload, when the answer to its completion was lost. */
const tokenName = 'holdfast-upload'

/** An upload in parts that is under way. Nothing is visible before `complete`. */
export interface Upload {
  /** Sends one part. The parts are asked for in their order, and may be under way together. */
  sendPart(part: Part, signal: AbortSignal): Promise<CompletedPart>
  /** Makes the object visible. Not stopped once it is on its way. */
  complete(parts: readonly CompletedPart[]): Promise<Stored>
  /** Gives the upload up; `because` is the failure that led here, and is added to if that fails, too. */
  abandon(because: unknown): Promise<void>
}

export async function beginUpload(
  bucket: Bucket,
  key: string,
  contentType: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Upload> {
  const { client, checksum } = bucket
  const token = randomUUID()
  // Not stopped once it is on its way: a request that was cut off may still make an upload that nobody knows.
  const { UploadId: uploadId } = await request(bucket, { what: `Beginning ${key}`, key, signal }, () =>
    client.send(
      new CreateMultipartUploadCommand({
        ...payloadOf(bucket, key, contentType),
        Metadata: { [tokenName]: token },
        ...(checksum === 'none' ? {} : { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' }),
      }),
    ),
  )
  if (uploadId === undefined)
    throw new HoldfastError('UNAVAILABLE', `The store began ${key} and gave no upload id.`)
  const address = { ...addressOf(bucket, key), UploadId: uploadId }
  let wholeCrc32 = 0

  return {
    async sendPart({ index, bytes }, partSignal) {
      if (index >= maxParts) throw tooManyParts(key)
      const partNumber = index + 1
      wholeCrc32 = checksum === 'none' ? 0 : crc32Of(bytes, wholeCrc32)
      const proof = checksum === 'none' ? {} : { ChecksumCRC32: base64Crc32(crc32Of(bytes)) }
      const what = `Part ${partNumber} of ${key}`
      const answer = await request(bucket, { what, key, signal: partSignal }, () => {
        const command = new UploadPartCommand({
          ...address,
          ...proof,
          PartNumber: partNumber,
          Body: bytes,
          ContentLength: bytes.byteLength,
        })
        return client.send(command, stoppedBy(partSignal))
      })
      return { PartNumber: partNumber, ETag: answer.ETag, ...proof }
    },

    async complete(parts) {
      const whole =
        checksum === 'none'
          ? {}
          : ({ ChecksumCRC32: base64Crc32(wholeCrc32), ChecksumType: 'FULL_OBJECT' } as const)
      const answer = await request(bucket, { what: `Completing ${key}`, key }, async () => {
        try {
          return await client.send(
            new CompleteMultipartUploadCommand({
              ...address,
              ...whole,
              MultipartUpload: { Parts: [...parts] },
            }),
          )
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

    async abandon(because) {
      try {
        await abortUpload(bucket, key, uploadId)
      } catch (error) {
        if (isHoldfastError(because)) because.message += ` Its unfinished upload is left to a sweep.`
        if (because instanceof Error) because.cause ??= error
      }
    },
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

function tooManyParts(key: string): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `${key} needs more than ${maxParts} parts. Tell its size beforehand, or raise partSize.`,
  )
}
