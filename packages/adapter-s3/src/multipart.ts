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
  type Part,
  type PutOptions,
  type RequestInfo,
  requestWithRetry,
  type Stored,
  type Upload,
} from '@holdfast/core/backend'
import { addressOf, type Bucket, payloadOf, storedAs } from './bucket.ts'
import { checksumOf, compositeChecksum, isVerifiedBy, type SentChecksum, wholeChecksum } from './checksum.ts'
import { sendingBy } from './direct.ts'
import { isCalled } from './errors.ts'
import { isSamePart, storedParts, type UnfinishedUpload, unfinishedUpload } from './resume.ts'
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
interface SentPart extends SentChecksum {
  readonly PartNumber: number
  readonly ETag: string | undefined
  readonly size: number
}

/** What an upload begins with. */
interface Begun {
  readonly uploadId: string
  /** The metadata by which the upload recognises its object. Puts that continue each other have the same. */
  readonly token: string
  /** The parts that earlier puts of the same bytes have sent, by their numbers. */
  readonly left: UnfinishedUpload['parts'] | undefined
}

/** A multipart upload. Puts that continue each other share one, and any of them may complete it. */
export class UploadInParts implements Upload<SentPart> {
  readonly leftover = 'A sweep discards its unfinished upload.'
  readonly #bucket: Bucket
  readonly #key: string
  readonly #options: PutOptions
  readonly #begun: Begun
  readonly #address: ReturnType<typeof addressOf> & { readonly UploadId: string }
  #resumedBytes = 0
  /** The object, if another put of the same bytes has completed the upload. */
  #completed: Stored | undefined

  private constructor(bucket: Bucket, key: string, options: PutOptions, begun: Begun) {
    this.#bucket = bucket
    this.#key = key
    this.#options = options
    this.#begun = begun
    this.#address = { ...addressOf(bucket, key), UploadId: begun.uploadId }
  }

  static async begin(bucket: Bucket, key: string, options: PutOptions): Promise<UploadInParts> {
    const { resume, signal } = options
    const token = resume?.sha256 ?? randomUUID()
    const unfinished = resume === undefined ? undefined : await unfinishedUpload(bucket, key, signal)
    const uploadId = unfinished?.uploadId ?? (await newUpload(bucket, key, token, options))
    return new UploadInParts(bucket, key, options, { uploadId, token, left: unfinished?.parts })
  }

  async sendPart({ index, bytes }: Part, signal: AbortSignal): Promise<SentPart> {
    const checksum = checksumOf(this.#bucket, bytes)
    const part = { ...checksum, PartNumber: index + 1, ETag: undefined, size: bytes.byteLength }
    if (this.#completed !== undefined) return part
    const there = this.#begun.left?.get(part.PartNumber)
    if (there !== undefined && (await isSamePart(there, bytes, checksum))) {
      this.#resumedBytes += bytes.byteLength
      return { ...part, ETag: there.etag }
    }
    const info = { what: `Part ${part.PartNumber} of ${this.#key}`, key: this.#key, signal }
    const sent = requestWithRetry(this.#bucket, info, async () => {
      await this.#options.pace?.(bytes.byteLength, signal)
      return { ...part, ETag: await this.#send(info, bytes, checksum, part.PartNumber) }
    })
    return orDiscarded(this.#bucket, this.#key, sent)
  }

  async complete(parts: readonly SentPart[]): Promise<Stored> {
    const object = this.#completed ?? (await this.#completeWithRetry(parts))
    return { ...object, resumedBytes: this.#resumedBytes }
  }

  async discard(): Promise<void> {
    await abortUpload(this.#bucket, this.#key, this.#begun.uploadId)
  }

  /** Sends one part by one request. Returns its ETag; `undefined` if another put has completed the upload. */
  async #send(
    info: RequestInfo,
    bytes: Uint8Array,
    checksum: SentChecksum,
    PartNumber: number,
  ): Promise<string | undefined> {
    const [bucket, key] = [this.#bucket, this.#key]
    const { resume } = this.#options
    const input = { ...this.#address, ...checksum, PartNumber, Body: bytes, ContentLength: bytes.byteLength }
    const command = new UploadPartCommand(input)
    try {
      const answer = await send(senderOf(bucket, bytes), info, 'no body', command, info.signal)
      isVerifiedBy(info, answer, checksum)
      storedAs(info, answer)
      return answer.ETag
    } catch (error) {
      if (resume !== undefined) this.#completed ??= await this.#completedBefore(error, info)
      if (this.#completed !== undefined) return undefined
      if (resume === undefined && isCalled(error, 'NoSuchUpload'))
        throw discardedUpload(bucket, key, bucket.errorOf(error, info))
      throw PartNumber > 1 && isCalled(error, 'InvalidArgument')
        ? noSuchPart(key, PartNumber, bucket.errorOf(error, info))
        : error
    }
  }

  async #completeWithRetry(parts: readonly SentPart[]): Promise<Stored> {
    const [bucket, key] = [this.#bucket, this.#key]
    const info = { what: `Completing ${key}`, key }
    let named = parts
    const stored = requestWithRetry(bucket, info, async () => {
      try {
        return await this.#complete(info, named)
      } catch (error) {
        const there = await this.#completedBefore(error, info)
        if (there !== undefined) return there
        if (!this.#lacksParts(error)) throw error
        named = await namedAsStored(bucket, key, this.#begun.uploadId, parts)
        throw replacedParts(bucket, key, bucket.errorOf(error, info))
      }
    })
    return orDiscarded(bucket, key, stored)
  }

  /** Completes the upload by one request. */
  async #complete(info: RequestInfo, parts: readonly SentPart[]): Promise<Stored> {
    const bucket = this.#bucket
    const checksum = bucket.isDirectory ? compositeChecksum(parts) : wholeChecksum(parts)
    const command = new CompleteMultipartUploadCommand({
      ...this.#address,
      ...(bucket.isDirectory ? {} : checksum),
      ...(bucket.checksum === 'none' ? {} : { ChecksumType: checksumTypeOf(bucket) }),
      MultipartUpload: { Parts: parts.map(({ size: _, ...part }) => part) },
    })
    const expected = { root: 'CompleteMultipartUploadResult', progress: patience }
    const answer = await send(bucket, info, expected, command)
    const stored = storedAs(info, answer)
    if (isVerifiedBy(info, answer, checksum)) return stored
    const size = parts.reduce((sum, part) => sum + part.size, 0)
    return confirmStored(bucket, info, this.#key, this.#begun.token, { ...stored, size })
  }

  /** Returns the object if this upload was completed, even if the response was lost. */
  async #completedBefore(error: unknown, info: RequestInfo): Promise<Stored | undefined> {
    if (!isCalled(error, 'NoSuchUpload') && !this.#lacksParts(error)) return undefined
    const [bucket, key] = [this.#bucket, this.#key]
    const { resume } = this.#options
    const there = await storedWith(bucket, info, key, this.#begun.token)
    return there === undefined && resume !== undefined
      ? storedWithDigest(bucket, info, key, resume.sha256)
      : there
  }

  /** While another put completes the upload, S3Proxy reports for a moment that parts are missing, by either of these errors. */
  #lacksParts(error: unknown): boolean {
    return this.#options.resume !== undefined && isCalled(error, 'InvalidPart', 'NoSuchKey')
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
  const info = { what: `Beginning ${key}`, key, signal }
  const input = {
    ...payloadOf(bucket, key, contentType),
    Metadata: { [tokenName]: token },
    ...(bucket.checksum === 'none'
      ? {}
      : { ChecksumAlgorithm: 'CRC32' as const, ChecksumType: checksumTypeOf(bucket) }),
  }
  return requestWithRetry(bucket, info, async () => {
    const command = new CreateMultipartUploadCommand(input)
    const expected = { root: 'InitiateMultipartUploadResult' }
    const { UploadId } = await send(bucket, info, expected, command)
    if (UploadId === undefined || UploadId === '') throw foreignAnswer(info, 'it has no upload id')
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
  const info = { what: `Discarding the upload of ${key}`, key, signal }
  await requestWithRetry(bucket, info, async () => {
    const command = new AbortMultipartUploadCommand({ ...addressOf(bucket, key), UploadId: uploadId })
    try {
      await send(bucket, info, 'no body', command, signal)
    } catch (error) {
      if (!isCalled(error, 'NoSuchUpload', 'NotFound')) throw error
    }
  })
}
