import { CompleteMultipartUploadCommand, CopyObjectCommand, UploadPartCopyCommand } from '@aws-sdk/client-s3'
import {
  concurrently,
  isHoldfastError,
  KnownBackends,
  type PutOptions,
  requestWithRetry,
  type SourceObject,
  type Stored,
} from '@holdfast/core/backend'
import { addressOf, type Bucket, payloadOf, storedAs } from './bucket.ts'
import { base64Crc32 } from './checksum.ts'
import { serviceEndpoint } from './endpoint.ts'
import { isCalled } from './errors.ts'
import { abortUpload, newUpload } from './multipart.ts'
import { timeOf } from './response-time.ts'
import { send } from './send.ts'
import { storedWith, tokenName } from './token.ts'

/** The buckets of the backends of this adapter, whose objects `put` of another backend can copy. */
export const knownBuckets = new KnownBackends<Bucket>()

/** Larger objects are copied in parts, so that progress is shown, and so that none is too large for one request. */
const wholeBytes = 64 * 2 ** 20

/** The largest object in bytes that one request copies: https://docs.aws.amazon.com/AmazonS3/latest/userguide/copy-object.html. */
const mostWholeBytes = 5 * 2 ** 30

/** The most parts of an object, so that large objects have few requests. Above that, parts are larger. */
const fewParts = 1000

/** S3 sends spaces while it copies. */
const patience = { bytes: 1, within: 10 * 60_000 }

/**
 * Lets S3 copy an object of the same or another bucket at the same endpoint: https://docs.aws.amazon.com/AmazonS3/latest/userguide/copy-object.html.
 * Returns `undefined` if the object has no checksum that S3 verified.
 */
export async function copyWithinService(
  bucket: Bucket,
  key: string,
  object: SourceObject,
  { contentType, signal }: PutOptions,
  report: (bytes: number) => void,
): Promise<Stored | undefined> {
  const from = knownBuckets.of(object)
  if (from === undefined || bucket.checksum === 'none' || object.storeDigest?.algorithm !== 'crc32')
    return undefined
  if ((await serviceEndpoint(from)) !== (await serviceEndpoint(bucket))) return undefined
  const source = {
    CopySource: [from.name, ...from.names.object(object.key).split('/')].map(encodeURIComponent).join('/'),
    ...(object.revision === undefined ? {} : { CopySourceIfMatch: `"${object.revision}"` }),
  }
  if (bucket.isDirectory && object.size > mostWholeBytes) return undefined
  if (object.size <= wholeBytes || bucket.isDirectory)
    return copyWhole(bucket, key, object, source, { contentType, signal })
  try {
    return await copyParts(bucket, key, object, source, { contentType, signal }, report)
  } catch (error) {
    // MinIO cannot give a copied part a checksum (`checksum missing, want "CRC32"`).
    if (!isHoldfastError(error, 'INVALID_ARGUMENT', 'UNSUPPORTED') || object.size > mostWholeBytes)
      throw error
    return copyWhole(bucket, key, object, source, { contentType, signal })
  }
}

interface CopySource {
  readonly CopySource: string
  readonly CopySourceIfMatch?: string
}

/** A signal does not stop the request: the service may still finish a copy whose request was cut off. */
async function copyWhole(
  bucket: Bucket,
  key: string,
  { sha256 }: SourceObject,
  source: CopySource,
  { contentType, signal }: PutOptions,
): Promise<Stored | undefined> {
  const info = { what: `The copy to ${key}`, key, signal }
  const input = {
    ...payloadOf(bucket, key, contentType),
    ...source,
    // Without the tags and the metadata of the source.
    MetadataDirective: 'REPLACE' as const,
    TaggingDirective: 'REPLACE' as const,
    Metadata: { [tokenName]: sha256 },
    ChecksumAlgorithm: 'CRC32' as const,
  }
  return requestWithRetry(bucket, info, async () => {
    const command = new CopyObjectCommand(input)
    const expected = { root: 'CopyObjectResult', progress: patience }
    const answer = await send(bucket, info, expected, command)
    const stored = storedAs(info, answer.CopyObjectResult ?? {})
    // Some servers report the checksum only of the object.
    if (stored.storeDigest === undefined) return storedWith(bucket, info, key, sha256)
    return { ...stored, storedAt: timeOf(answer) }
  })
}

/** S3 makes the object visible only if its checksum is that of the source. */
async function copyParts(
  bucket: Bucket,
  key: string,
  object: SourceObject,
  source: CopySource,
  { contentType, signal }: PutOptions,
  report: (bytes: number) => void,
): Promise<Stored | undefined> {
  const { size, sha256, storeDigest } = object
  const partBytes = Math.max(wholeBytes, Math.ceil(size / Math.min(fewParts, bucket.parts.maxParts)))
  const ranges = Array.from({ length: Math.ceil(size / partBytes) }, (_, index) => ({
    PartNumber: index + 1,
    start: index * partBytes,
    end: Math.min(size, (index + 1) * partBytes),
  }))
  const uploadId = await newUpload(bucket, key, sha256, { contentType, signal })
  const address = { ...addressOf(bucket, key), UploadId: uploadId }
  let copied = 0
  try {
    const parts = await concurrently(ranges, bucket.parts.parallel, signal, async (range, partSignal) => {
      const { PartNumber, start, end } = range
      const info = { what: `The copy of part ${PartNumber} to ${key}`, key, signal: partSignal }
      const input = { ...address, ...source, PartNumber, CopySourceRange: `bytes=${start}-${end - 1}` }
      const etag = await requestWithRetry(bucket, info, async () => {
        const command = new UploadPartCopyCommand(input)
        const expected = { root: 'CopyPartResult', progress: patience }
        return (await send(bucket, info, expected, command, partSignal)).CopyPartResult?.ETag
      })
      copied += end - start
      report(copied)
      return { PartNumber, ETag: etag }
    })
    const info = { what: `Completing the copy to ${key}`, key, signal }
    const input = {
      ...address,
      ChecksumCRC32: base64Crc32(Number.parseInt(storeDigest?.value ?? '', 16)),
      ChecksumType: 'FULL_OBJECT' as const,
      MultipartUpload: { Parts: [...parts] },
    }
    const expected = { root: 'CompleteMultipartUploadResult', progress: patience }
    return await requestWithRetry(bucket, info, async () => {
      try {
        const answer = await send(bucket, info, expected, new CompleteMultipartUploadCommand(input))
        const stored = storedAs(info, answer)
        return stored.storeDigest === undefined ? await storedWith(bucket, info, key, sha256) : stored
      } catch (error) {
        // An earlier request has completed the upload if its response was lost.
        const there = isCalled(error, 'NoSuchUpload')
          ? await storedWith(bucket, info, key, sha256)
          : undefined
        if (there === undefined) throw error
        return there
      }
    })
  } catch (error) {
    // The first error decides how the copy continues. A sweep discards the upload.
    await abortUpload(bucket, key, uploadId).catch(() => undefined)
    throw error
  }
}
