import { randomUUID } from 'node:crypto'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import {
  foreignAnswer,
  HoldfastError,
  type PutOptions,
  requestWithRetry,
  type Upload,
} from '@holdfast/core/backend'
import { addressOf, type Bucket, payloadOf, storedAs } from './bucket.ts'
import { isProvenBy, type Proof, proofOf, wholeProof } from './checksum.ts'
import { isCalled } from './errors.ts'
import { send } from './send.ts'
import { confirmStored, storedWith, tokenName } from './token.ts'

/** The largest part in bytes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html. */
export const maxPartBytes = 5 * 2 ** 30

/**
 * S3 sends spaces while it completes an upload, which may take minutes:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html.
 */
const patience = { bytes: 2 ** 16, within: 30 * 60_000 }

/** A part that the store holds. */
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
  const isProven = bucket.checksum !== 'none'
  const token = randomUUID()
  const uploadId = await newUpload(bucket, key, token, { contentType, signal })
  const address = { ...addressOf(bucket, key), UploadId: uploadId }

  return {
    async sendPart({ index, bytes }, partSignal) {
      const proof = proofOf(bucket, bytes)
      const PartNumber = index + 1
      const asked = { what: `Part ${PartNumber} of ${key}`, key, signal: partSignal }
      const input = { ...address, ...proof, PartNumber, Body: bytes, ContentLength: bytes.byteLength }
      return requestWithRetry(bucket, asked, async () => {
        const command = new UploadPartCommand(input)
        try {
          const answer = await send(bucket, asked, 'no body', command, partSignal)
          isProvenBy(asked, answer, proof)
          storedAs(asked, answer)
          return { ...proof, PartNumber, ETag: answer.ETag, size: bytes.byteLength }
        } catch (error) {
          throw PartNumber > 1 && isCalled(error, 'InvalidArgument')
            ? noSuchPart(key, PartNumber, bucket.errorOf(error, asked))
            : error
        }
      })
    },

    async complete(parts) {
      const asked = { what: `Completing ${key}`, key }
      const proof = wholeProof(parts)
      const input = {
        ...address,
        ...proof,
        ...(isProven ? { ChecksumType: 'FULL_OBJECT' as const } : {}),
        MultipartUpload: { Parts: parts.map(({ size: _, ...part }) => part) },
      }
      const expected = { root: 'CompleteMultipartUploadResult', progress: patience }
      return requestWithRetry(bucket, asked, async () => {
        const command = new CompleteMultipartUploadCommand(input)
        try {
          const answer = await send(bucket, asked, expected, command)
          const stored = storedAs(asked, answer)
          return isProvenBy(asked, answer, proof) ? stored : await confirmStored(bucket, asked, key, token)
        } catch (error) {
          // If the object has the token of the upload, the upload was completed and the response was lost.
          if (!isCalled(error, 'NoSuchUpload')) throw error
          const there = await storedWith(bucket, asked, key, token)
          if (there === undefined) throw error
          return there
        }
      })
    },

    discard: () => abortUpload(bucket, key, uploadId),
    leftover: 'A sweep discards its unfinished upload.',
  }
}

/** Begins an upload. A signal does not stop the request: if it were cut off, the store could keep an unknown upload. */
async function newUpload(
  bucket: Bucket,
  key: string,
  token: string,
  { contentType, signal }: PutOptions,
): Promise<string> {
  const asked = { what: `Beginning ${key}`, key, signal }
  const input = {
    ...payloadOf(bucket, key, contentType),
    Metadata: { [tokenName]: token },
    ...(bucket.checksum === 'none'
      ? {}
      : { ChecksumAlgorithm: 'CRC32' as const, ChecksumType: 'FULL_OBJECT' as const }),
  }
  return requestWithRetry(bucket, asked, async () => {
    const command = new CreateMultipartUploadCommand(input)
    const expected = { root: 'InitiateMultipartUploadResult' }
    const { UploadId } = await send(bucket, asked, expected, command)
    if (UploadId === undefined || UploadId === '') throw foreignAnswer(asked, 'it has no upload id')
    return UploadId
  })
}

function noSuchPart(key: string, part: number, cause: unknown): HoldfastError {
  const message =
    `The store rejected part ${part} of ${key}. Set maxParts to the largest number of parts that it accepts ` +
    '(such as 1,000 on Scaleway), or set a larger partSize.'
  return new HoldfastError('INVALID_ARGUMENT', message, { key, cause })
}

/** Discards an upload and its parts. An upload that is gone is no error. */
export async function abortUpload(
  bucket: Bucket,
  key: string,
  uploadId: string,
  signal?: AbortSignal,
): Promise<void> {
  const asked = { what: `Discarding the upload of ${key}`, key, signal }
  await requestWithRetry(bucket, asked, async () => {
    const command = new AbortMultipartUploadCommand({ ...addressOf(bucket, key), UploadId: uploadId })
    try {
      await send(bucket, asked, 'no body', command, signal)
    } catch (error) {
      if (!isCalled(error, 'NoSuchUpload', 'NotFound')) throw error
    }
  })
}
