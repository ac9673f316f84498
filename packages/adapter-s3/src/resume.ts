import { ListMultipartUploadsCommand, ListPartsCommand, type MultipartUpload } from '@aws-sdk/client-s3'
import {
  ConcurrentHash,
  foreignAnswer,
  isHoldfastError,
  itemsOf,
  type RequestInfo,
  unquotedEtag,
} from '@holdfast/core/backend'
import { addressOf, type Bucket, bucketAddress } from './bucket.ts'
import type { SentChecksum } from './checksum.ts'
import { isCalled } from './errors.ts'
import { send } from './send.ts'

/** An unfinished upload of an earlier put, with the parts that the store holds. */
export interface UnfinishedUpload {
  readonly uploadId: string
  readonly parts: ReadonlyMap<number, StoredPart>
}

/** A part that the store holds. */
export interface StoredPart {
  readonly size: number
  readonly etag: string
  /** Absent if the store keeps no checksum of parts, or does not list it. */
  readonly crc32: string | undefined
}

/**
 * Returns the oldest unfinished upload of a key, so that all puts that continue it choose the same. Returns `undefined` if
 * there is none, or if this user may not list uploads: a new upload then begins.
 */
export async function unfinishedUpload(
  bucket: Bucket,
  key: string,
  signal: AbortSignal | undefined,
): Promise<UnfinishedUpload | undefined> {
  const info = { what: `Listing the unfinished uploads of ${key}`, key, signal }
  try {
    const uploads = (await Array.fromAsync(uploadsOf(bucket, key, info))).filter(({ ChecksumAlgorithm }) =>
      fitsChecksum(bucket, ChecksumAlgorithm),
    )
    const [oldest] = uploads.toSorted(
      (one, other) =>
        (one.Initiated?.getTime() ?? 0) - (other.Initiated?.getTime() ?? 0) ||
        (idOf(one) < idOf(other) ? -1 : 1),
    )
    if (oldest === undefined) return undefined
    const parts = await storedParts(bucket, key, idOf(oldest), signal)
    return parts === undefined ? undefined : { uploadId: idOf(oldest), parts }
  } catch (error) {
    if (isHoldfastError(error, 'PERMISSION_DENIED', 'UNSUPPORTED')) return undefined
    throw error
  }
}

/**
 * Returns whether a part that the store holds has these bytes, by its size and checksum. Without a checksum, its ETag is its
 * MD5, unless the store encrypts it with a key of KMS or of the customer. Such a part counts as different, and is sent again:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html.
 */
export async function isSamePart(
  { size, etag, crc32 }: StoredPart,
  bytes: Uint8Array,
  { ChecksumCRC32 }: SentChecksum,
): Promise<boolean> {
  if (size !== bytes.byteLength || etag === '') return false
  if (crc32 !== undefined && ChecksumCRC32 !== undefined) return crc32 === ChecksumCRC32
  const md5 = new ConcurrentHash('md5')
  await md5.update(bytes)
  return (await md5.digest()) === unquotedEtag(etag)
}

/** S3 computes CRC64NVME by itself for an upload that began without an algorithm. */
function fitsChecksum({ checksum }: Bucket, algorithm: string | undefined): boolean {
  return algorithm === undefined || algorithm === (checksum === 'none' ? 'CRC64NVME' : 'CRC32')
}

function idOf({ UploadId = '' }: MultipartUpload): string {
  return UploadId
}

/** Lists the uploads of exactly one key. The names of other keys may begin with it. */
async function* uploadsOf(
  bucket: Bucket,
  key: string,
  info: RequestInfo,
): AsyncGenerator<MultipartUpload, void, undefined> {
  const name = bucket.names.object(key)
  const { isDirectory } = bucket
  // The lists of a directory bucket are in no order, and take only prefixes that end in a slash.
  const prefix = isDirectory ? name.slice(0, name.lastIndexOf('/') + 1) : name
  const uploads = itemsOf(bucket, info, {
    async page(from?: { readonly KeyMarker: string; readonly UploadIdMarker: string | undefined }) {
      const command = new ListMultipartUploadsCommand({
        ...bucketAddress(bucket),
        Prefix: prefix === '' ? undefined : prefix,
        ...from,
      })
      const answer = await send(bucket, info, { root: 'ListMultipartUploadsResult' }, command, info.signal)
      const {
        Uploads: items = [],
        NextKeyMarker: KeyMarker = '',
        NextUploadIdMarker: UploadIdMarker,
      } = answer
      // In the order of keys, the key itself comes before all keys that begin with it.
      const continues = answer.IsTruncated === true && (isDirectory || items.some(({ Key }) => Key === name))
      if (continues && KeyMarker === '')
        throw foreignAnswer(info, 'it does not state where the list continues')
      return { items, next: continues ? { KeyMarker, UploadIdMarker } : undefined }
    },
  })
  for await (const upload of uploads) if (upload.Key === name && idOf(upload) !== '') yield upload
}

/** Returns the parts of an upload; `undefined` if it has ended meanwhile. */
export async function storedParts(
  bucket: Bucket,
  key: string,
  uploadId: string,
  signal?: AbortSignal,
): Promise<ReadonlyMap<number, StoredPart> | undefined> {
  const info = { what: `Listing the parts of ${key}`, key, signal }
  const parts = new Map<number, StoredPart>()
  const listed = itemsOf(bucket, info, {
    async page(from?: string) {
      const command = new ListPartsCommand({
        ...addressOf(bucket, key),
        UploadId: uploadId,
        PartNumberMarker: from,
      })
      try {
        const answer = await send(bucket, info, { root: 'ListPartsResult' }, command, signal)
        const next = answer.IsTruncated === true ? answer.NextPartNumberMarker : undefined
        if (answer.IsTruncated === true && next === undefined)
          throw foreignAnswer(info, 'it does not state where the list continues')
        return { items: answer.Parts ?? [], next }
      } catch (error) {
        if (isCalled(error, 'NoSuchUpload')) return { items: [undefined], next: undefined }
        throw error
      }
    },
  })
  for await (const part of listed) {
    if (part === undefined) return undefined
    const { PartNumber = 0, Size: size = 0, ETag: etag = '', ChecksumCRC32: crc32 } = part
    parts.set(PartNumber, { size, etag, crc32 })
  }
  return parts
}
