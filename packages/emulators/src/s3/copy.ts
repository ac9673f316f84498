import { createHash } from 'node:crypto'
import type { Piece } from '../objects/pieces.ts'
import { type ChecksumAlgorithm, createChecksum, isAlgorithm } from './checksums.ts'
import { etagOf } from './conditions.ts'
import { type Context, type Run, seconds } from './context.ts'
import { describedBy } from './described.ts'
import { etagIn } from './directory-bucket.ts'
import { notImplemented, S3Error } from './errors.ts'
import { partNumber } from './multipart.ts'
import { encryptionHeaders } from './objects.ts'
import { header, type S3Request } from './request.ts'
import type { Part, StoredObject } from './state.ts'
import { writeXml } from './xml.ts'

/** The largest object in bytes that one CopyObject copies: https://docs.aws.amazon.com/AmazonS3/latest/userguide/copy-object.html. */
const mostBytes = 5 * 2 ** 30

/**
 * Copies an object. Only the directive `REPLACE` is supported, with which the request describes the copy:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html.
 */
export const copyObject: Run = async (context, request) => {
  const { state } = context
  const { bucket, key } = request
  for (const name of ['x-amz-metadata-directive', 'x-amz-tagging-directive'])
    if (header(request, name) !== 'REPLACE') throw notImplemented(`${name} other than REPLACE`)
  const described = describedBy(request, context.keepsMetadata)
  const source = sourceOf(context, request)
  if (source.size > mostBytes)
    throw new S3Error(
      'InvalidRequest',
      `The specified copy source is larger than the maximum allowable size.`,
    )
  const wanted = header(request, 'x-amz-checksum-algorithm') ?? source.checksum.algorithm
  if (!isAlgorithm(wanted)) throw notImplemented(`the checksum ${wanted}`)
  const { piece, etag, value } = await copyBytes(context, bucket, source, 0, source.size, wanted)
  const checksum = { algorithm: wanted, value, type: 'FULL_OBJECT' } as const
  const modified = seconds(context)
  const object = { ...described, pieces: [piece], size: piece.size, etag, modified, checksum }
  await state.files.remove(state.publish(bucket, key, object))
  return {
    status: 200,
    headers: { 'content-type': 'application/xml', ...encryptionHeaders(object) },
    body: writeXml('CopyObjectResult', {
      LastModified: new Date(modified).toISOString(),
      ETag: `"${etag}"`,
      ChecksumType: checksum.type,
      [`Checksum${wanted}`]: value,
    }),
  }
}

/** Copies a range of an object as a part: https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html. */
export const uploadPartCopy: Run = async (context, request) => {
  const { state } = context
  const { bucket, key, query } = request
  const id = query.get('uploadId') ?? ''
  const upload = state.upload(bucket, key, id)
  const number = partNumber(query.get('partNumber'))
  const source = sourceOf(context, request)
  const { start, end } = rangeOf(request, source)
  const algorithm = upload.algorithm ?? 'CRC64NVME'
  const { piece, etag, value } = await copyBytes(context, bucket, source, start, end, algorithm)
  // No await from here to `addPart`, so that the upload still exists then.
  try {
    state.upload(bucket, key, id)
  } catch (error) {
    await state.files.remove([piece])
    throw error
  }
  const modified = seconds(context)
  const checksum = { algorithm, value }
  const part: Part = { number, piece, etag, modified, checksum, given: undefined }
  await state.files.remove(state.addPart(id, part))
  return {
    status: 200,
    headers: { 'content-type': 'application/xml', ...encryptionHeaders(upload) },
    body: writeXml('CopyPartResult', {
      LastModified: new Date(modified).toISOString(),
      ETag: `"${etag}"`,
      ...(upload.algorithm === undefined ? {} : { [`Checksum${algorithm}`]: value }),
    }),
  }
}

function sourceOf({ state }: Context, request: S3Request): StoredObject {
  const path = decodeURIComponent(header(request, 'x-amz-copy-source') ?? '').replace(/^\//, '')
  const slash = path.indexOf('/')
  const [bucket, key] = [path.slice(0, slash), path.slice(slash + 1)]
  state.requireBucket(bucket)
  const object = state.object(bucket, key)
  if (object === undefined) throw new S3Error('NoSuchKey', undefined, { Key: key })
  const ifMatch = header(request, 'x-amz-copy-source-if-match')
  if (ifMatch !== undefined && etagOf(ifMatch) !== object.etag)
    throw new S3Error('PreconditionFailed', undefined, { Condition: 'x-amz-copy-source-If-Match' })
  return object
}

function rangeOf(
  request: S3Request,
  { size }: StoredObject,
): { readonly start: number; readonly end: number } {
  const text = header(request, 'x-amz-copy-source-range')
  if (text === undefined) return { start: 0, end: size }
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(text) ?? []
  const [start, end] = [Number(first), Number(last) + 1]
  if (!(start < end && end <= size))
    throw new S3Error('InvalidArgument', `Range specified is not valid for source object of size: ${size}`)
  return { start, end }
}

async function copyBytes(
  { state }: Context,
  bucket: string,
  { pieces }: StoredObject,
  start: number,
  end: number,
  algorithm: ChecksumAlgorithm,
): Promise<{ readonly piece: Piece; readonly etag: string; readonly value: string }> {
  const writer = await state.files.create()
  const md5 = createHash('md5')
  const checksum = createChecksum(algorithm)
  for await (const chunk of state.files.read(pieces, start, end) as AsyncIterable<Uint8Array>) {
    md5.update(chunk)
    checksum.update(chunk)
    await writer.write(chunk)
  }
  return {
    piece: await writer.finish(),
    etag: etagIn(bucket, md5.digest('hex')),
    value: checksum.digest().toString('base64'),
  }
}

/** Headers that name the source of a copy. */
export const copyHeaders: readonly string[] = ['x-amz-copy-source', 'x-amz-copy-source-if-match']
