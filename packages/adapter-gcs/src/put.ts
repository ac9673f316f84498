import {
  type PutSource,
  Crc32c,
  putAgain,
  type PutOptions,
  putObject,
  putOrCopy,
  type ServiceCopy,
  type PutResult,
  type Stored,
} from '@holdfast/core/backend'
import { type Bucket, storedAs } from './bucket.ts'
import { hasStatus } from './errors.ts'
import { lookOnce, read } from './read.ts'
import { ResumableUpload } from './resumable.ts'
import { copyWithinService } from './server-copy.ts'
import { uploadWhole } from './insert.ts'

/**
 * Stores bytes that fit a chunk with one request, and others with a resumable upload. If the upload is lost and the
 * source can be read again, a new upload sends everything again. If the source is an object of the same service, or such an
 * object has the same bytes, the service copies it.
 */
export async function put(
  bucket: Bucket,
  key: string,
  source: PutSource,
  options: PutOptions,
): Promise<PutResult> {
  const ways: ServiceCopy = {
    copy: (object, report) => copyWithinService(bucket, key, object, options, report),
    read: (from, readOptions) => read(bucket, from, readOptions),
  }
  return putOrCopy(key, source, options, ways, (putOptions) =>
    putAgain(source, () => putOnce(bucket, key, source, putOptions)),
  )
}

async function putOnce(
  bucket: Bucket,
  key: string,
  source: PutSource,
  options: PutOptions,
): Promise<PutResult> {
  const checksum = new Crc32c()
  return putObject(bucket, key, source, options, {
    checksum,
    putWhole: (bytes, mayBeStored) => putWhole(bucket, key, bytes, checksum.value, mayBeStored, options),
    begin: () => ResumableUpload.begin(bucket, key, options, checksum),
  })
}

async function putWhole(
  bucket: Bucket,
  key: string,
  bytes: Uint8Array,
  crc32c: number,
  mayBeStored: boolean,
  { contentType, signal }: PutOptions,
): Promise<Stored> {
  const { storageClass } = bucket
  try {
    return storedAs(await uploadWhole(bucket, key, bytes, { contentType, storageClass, crc32c }))
  } catch (error) {
    // A retention policy prevents storing the object again: https://cloud.google.com/storage/docs/bucket-lock.
    const there = mayBeStored && hasStatus(error, 403) ? await lookOnce(bucket, key, signal) : undefined
    if (there?.size === bytes.byteLength && there.crc32c === crc32c) return storedAs(there)
    throw error
  }
}
