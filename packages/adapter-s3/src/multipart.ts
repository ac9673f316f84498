import { randomUUID } from 'node:crypto'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import {
  fieldOf,
  foreignAnswer,
  HoldfastError,
  lostUpload,
  type PutOptions,
  type RequestInfo,
  requestWithRetry,
  type Stored,
  type Upload,
} from '@holdfast/core/backend'
import { addressOf, type Bucket, payloadOf, storedAs } from './bucket.ts'
import { compositeProof, isProvenBy, type Proof, proofOf, wholeProof } from './checksum.ts'
import { sendingBy } from './direct.ts'
import { isCalled } from './errors.ts'
import { isSamePart, storedParts, unfinishedUpload } from './resume.ts'
import { send } from './send.ts'
import { confirmStored, storedWith, storedWithDigest, tokenName } from './token.ts'

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
  { contentType, signal, pace, resume }: PutOptions,
): Promise<Upload<SentPart>> {
  const isProven = bucket.checksum !== 'none'
  // Of puts that continue each other, any may complete the upload, so all have the same token.
  const token = resume?.sha256 ?? randomUUID()
  const left = resume === undefined ? undefined : await unfinishedUpload(bucket, key, signal)
  const uploadId = left?.uploadId ?? (await newUpload(bucket, key, token, { contentType, signal }))
  const address = { ...addressOf(bucket, key), UploadId: uploadId }
  let resumedBytes = 0
  /** The object, if another put of the same bytes has completed the upload. */
  let completed: Stored | undefined

  /** While another put completes the upload, S3Proxy reports for a moment that parts are missing, by either of these errors. */
  const lacksParts = (error: unknown): boolean =>
    resume !== undefined && isCalled(error, 'InvalidPart', 'NoSuchKey')

  /** Returns the object if this upload was completed, even if the response was lost. */
  const completedBefore = async (error: unknown, asked: RequestInfo): Promise<Stored | undefined> => {
    if (!isCalled(error, 'NoSuchUpload') && !lacksParts(error)) return undefined
    const there = await storedWith(bucket, asked, key, token)
    return there === undefined && resume !== undefined
      ? storedWithDigest(bucket, asked, key, resume.sha256)
      : there
  }

  return {
    async sendPart({ index, bytes }, partSignal) {
      const proof = proofOf(bucket, bytes)
      const PartNumber = index + 1
      const unsent = { ...proof, PartNumber, size: bytes.byteLength }
      if (completed !== undefined) return { ...unsent, ETag: undefined }
      const there = left?.parts.get(PartNumber)
      if (there !== undefined && (await isSamePart(there, bytes, proof))) {
        resumedBytes += bytes.byteLength
        return { ...unsent, ETag: there.etag }
      }
      const asked = { what: `Part ${PartNumber} of ${key}`, key, signal: partSignal }
      const input = { ...address, ...proof, PartNumber, Body: bytes, ContentLength: bytes.byteLength }
      const sent = requestWithRetry(bucket, asked, async () => {
        await pace?.(bytes.byteLength, partSignal)
        const command = new UploadPartCommand(input)
        try {
          const answer = await send(senderOf(bucket, bytes), asked, 'no body', command, partSignal)
          isProvenBy(asked, answer, proof)
          storedAs(asked, answer)
          return { ...unsent, ETag: answer.ETag }
        } catch (error) {
          if (resume !== undefined) completed ??= await completedBefore(error, asked)
          if (completed !== undefined) return { ...unsent, ETag: undefined }
          if (resume === undefined && isCalled(error, 'NoSuchUpload'))
            throw discardedUpload(bucket, key, bucket.errorOf(error, asked))
          throw PartNumber > 1 && isCalled(error, 'InvalidArgument')
            ? noSuchPart(key, PartNumber, bucket.errorOf(error, asked))
            : error
        }
      })
      return orDiscarded(bucket, key, sent)
    },

    async complete(parts) {
      const asked = { what: `Completing ${key}`, key }
      const proof = bucket.isDirectory ? compositeProof(parts) : wholeProof(parts)
      if (completed !== undefined) return { ...completed, resumedBytes }
      const input = {
        ...address,
        ...(bucket.isDirectory ? {} : proof),
        ...(isProven ? { ChecksumType: checksumTypeOf(bucket) } : {}),
      }
      const expected = { root: 'CompleteMultipartUploadResult', progress: patience }
      let named = parts
      const stored = requestWithRetry(bucket, asked, async () => {
        const Parts = named.map(({ size: _, ...part }) => part)
        const command = new CompleteMultipartUploadCommand({ ...input, MultipartUpload: { Parts } })
        try {
          const answer = await send(bucket, asked, expected, command)
          const told = storedAs(asked, answer)
          if (isProvenBy(asked, answer, proof)) return { ...told, resumedBytes }
          const size = parts.reduce((sum, part) => sum + part.size, 0)
          return { ...(await confirmStored(bucket, asked, key, token, { ...told, size })), resumedBytes }
        } catch (error) {
          const there = await completedBefore(error, asked)
          if (there !== undefined) return { ...there, resumedBytes }
          if (!lacksParts(error)) throw error
          named = await namedAsStored(bucket, key, uploadId, parts)
          throw replacedParts(bucket, key, bucket.errorOf(error, asked))
        }
      })
      return orDiscarded(bucket, key, stored)
    },

    discard: () => abortUpload(bucket, key, uploadId),
    leftover: 'A sweep discards its unfinished upload.',
  }
}

/**
 * Names the parts as the store does now, where another put has sent the same bytes again. Such a part has another ETag if an ETag
 * is not the MD5 of the bytes, as in a directory bucket. If the store does not list them now, they keep their names: the
 * completion is tried again either way.
 */
async function namedAsStored(
  bucket: Bucket,
  key: string,
  uploadId: string,
  parts: readonly SentPart[],
): Promise<readonly SentPart[]> {
  const once = { ...bucket, retry: { attempts: 1, minDelay: 0, maxDelay: 0 } }
  const stored = await storedParts(once, key, uploadId).catch(() => undefined)
  return parts.map((part) => {
    const { crc32, size, etag = '' } = stored?.get(part.PartNumber) ?? {}
    const isSame = crc32 !== undefined && crc32 === part.ChecksumCRC32 && size === part.size
    return isSame && etag !== '' ? { ...part, ETag: etag } : part
  })
}

/** Chooses what sends a part: other threads can send only bytes in shared memory. */
function senderOf(bucket: Bucket, { buffer }: Uint8Array): Parameters<typeof send>[0] {
  const sender = buffer instanceof SharedArrayBuffer ? bucket.direct?.sender : undefined
  return { ...bucket, directly: sender && sendingBy(sender) }
}

/** Begins an upload. A signal does not stop the request: if it were cut off, the store could keep an unknown upload. */
export async function newUpload(
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
      : { ChecksumAlgorithm: 'CRC32' as const, ChecksumType: checksumTypeOf(bucket) }),
  }
  return requestWithRetry(bucket, asked, async () => {
    const command = new CreateMultipartUploadCommand(input)
    const expected = { root: 'InitiateMultipartUploadResult' }
    const { UploadId } = await send(bucket, asked, expected, command)
    if (UploadId === undefined || UploadId === '') throw foreignAnswer(asked, 'it has no upload id')
    return UploadId
  })
}

/**
 * In a directory bucket, the store verifies each part by its CRC-32, and keeps a checksum of these checksums. That it accepts
 * checksums of whole objects is not documented (https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-using-multipart-upload.html).
 */
function checksumTypeOf({ isDirectory }: Bucket): 'FULL_OBJECT' | 'COMPOSITE' {
  return isDirectory ? 'COMPOSITE' : 'FULL_OBJECT'
}

/**
 * The error of a put that shares an upload with another one, which cuts its parts at other bytes, sent the same parts again, or
 * is completing the upload now. So it is worth another attempt.
 */
function replacedParts({ names: { url } }: Bucket, key: string, cause: unknown): HoldfastError {
  const message =
    `Another put continued the same upload of ${key}, and replaced or completed its parts. Put the object again, with the same ` +
    'partSize in all processes.'
  return new HoldfastError('UNAVAILABLE', message, { key, url, cause, retryable: true })
}

/** The error is not retryable: the parts that the store had are gone. */
function discardedUpload({ names: { url } }: Bucket, key: string, cause: unknown): HoldfastError {
  const message =
    `The store discarded the unfinished upload of ${key}, as a lifecycle rule or another program may ask it to. Put the ` +
    'object again.'
  return lostUpload(new HoldfastError('UNAVAILABLE', message, { key, url, cause, retryable: false }))
}

/** Converts the error of a request that was retried and did not find the upload. */
async function orDiscarded<Answer>(bucket: Bucket, key: string, answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer
  } catch (error) {
    throw isCalled(fieldOf(error, 'cause'), 'NoSuchUpload') ? discardedUpload(bucket, key, error) : error
  }
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
