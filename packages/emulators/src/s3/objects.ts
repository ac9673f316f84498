import { givenAlgorithm } from './body.ts'
import { headerOf } from './checksums.ts'
import { assertMatches, assertMayWrite, writeConditions } from './conditions.ts'
import { type Run, seconds } from './context.ts'
import { describedBy } from './described.ts'
import { etagIn } from './directory-bucket.ts'
import { notImplemented, S3Error } from './errors.ts'
import { assertNotHeld } from './legal-hold.ts'
import { rangeOf } from './range.ts'
import { header, type S3Request } from './request.ts'
import type { StoredObject } from './state.ts'
import { storeBody } from './store-body.ts'

export const putObject: Run = async (context, request) => {
  const { state } = context
  const { bucket, key } = request
  const conditions = writeConditions(context, request)
  const described = describedBy(request, context.keepsMetadata)
  const deletionsBefore = state.deletions
  const wanted = givenAlgorithm(request) ?? 'CRC64NVME'
  const { piece, size, md5, computed } = await storeBody(state.files, request, wanted)
  const checksum = { algorithm: wanted, value: computed?.value ?? '', type: 'FULL_OBJECT' } as const
  const etag = etagIn(bucket, md5)
  const object = { ...described, pieces: [piece], size, etag, modified: seconds(context), checksum }
  // No await from here to `publish`, so that the conditions still hold then.
  try {
    assertMayWrite(state, bucket, key, conditions, deletionsBefore)
  } catch (error) {
    await state.files.remove([piece])
    throw error
  }
  await state.files.remove(state.publish(bucket, key, object))
  return {
    status: 200,
    headers: { etag: `"${etag}"`, ...checksumHeaders(object), ...encryptionHeaders(object) },
  }
}

export const getObject: Run = async ({ state, elsewhere }, request) => {
  if (elsewhere !== undefined) {
    const { bucket, key } = request
    const there = state.object(bucket, key)
    if (there === undefined) throw new S3Error('NoSuchKey', undefined, { Key: key })
    return { status: 302, headers: { location: elsewhere.addressOf(there) } }
  }
  const object = objectOf(state.object(request.bucket, request.key), request)
  const range = rangeOf(header(request, 'range'), object.size)
  if (range === undefined) {
    return {
      status: 200,
      headers: { ...objectHeaders(request, object), 'content-length': object.size },
      body: state.files.read(object.pieces, 0, object.size),
    }
  }
  const { start, end } = range
  return {
    status: 206,
    headers: {
      ...objectHeaders(request, object, true),
      'content-length': end - start,
      'content-range': `bytes ${start}-${end - 1}/${object.size}`,
    },
    body: state.files.read(object.pieces, start, end),
  }
}

export const headObject: Run = async ({ state }, request) => {
  const object = objectOf(state.object(request.bucket, request.key), request)
  return { status: 200, headers: { ...objectHeaders(request, object), 'content-length': object.size } }
}

/**
 * Deletes a key. A missing key is an error only with If-Match:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html.
 */
export const deleteObject: Run = async ({ state }, request) => {
  const { bucket, key } = request
  const there = state.object(bucket, key)
  if (there !== undefined) assertMatches(request, there.etag)
  else if (header(request, 'if-match') !== undefined) throw new S3Error('NoSuchKey', undefined, { Key: key })
  assertNotHeld(there)
  await state.files.remove(state.delete(bucket, key))
  return { status: 204 }
}

function objectOf(object: StoredObject | undefined, request: S3Request): StoredObject {
  if (object === undefined) throw new S3Error('NoSuchKey', undefined, { Key: request.key })
  assertMatches(request, object.etag)
  return object
}

function objectHeaders(
  request: S3Request,
  object: StoredObject,
  isPart = false,
): Readonly<Record<string, string | undefined>> {
  const wantsChecksum = header(request, 'x-amz-checksum-mode')
  if (wantsChecksum !== undefined && wantsChecksum !== 'ENABLED')
    throw notImplemented(`x-amz-checksum-mode: ${wantsChecksum}`)
  return {
    ...object.headers,
    ...encryptionHeaders(object),
    etag: `"${object.etag}"`,
    'last-modified': new Date(object.modified).toUTCString(),
    'accept-ranges': 'bytes',
    'x-amz-storage-class': object.storageClass === 'STANDARD' ? undefined : object.storageClass,
    ...(wantsChecksum === undefined || isPart ? {} : checksumHeaders(object)),
  }
}

function checksumHeaders({ checksum }: StoredObject): Readonly<Record<string, string>> {
  return { [headerOf(checksum.algorithm)]: checksum.value, 'x-amz-checksum-type': checksum.type }
}

/**
 * Returns the encryption headers. S3 encrypts every object:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html.
 */
export function encryptionHeaders(object: {
  readonly headers: Readonly<Record<string, string>>
}): Readonly<Record<string, string | undefined>> {
  return {
    'x-amz-server-side-encryption': object.headers['x-amz-server-side-encryption'] ?? 'AES256',
    'x-amz-server-side-encryption-aws-kms-key-id':
      object.headers['x-amz-server-side-encryption-aws-kms-key-id'],
  }
}
