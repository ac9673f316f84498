import { createHash } from 'node:crypto'
import type { Answer } from '../http/http-server.ts'
import { givenAlgorithm } from './body.ts'
import {
  type Checksum,
  type ChecksumAlgorithm,
  checksumAlgorithms,
  type ChecksumType,
  type ChecksumValue,
  headerOf,
  isAlgorithm,
  isChecksum,
  ofParts,
  typesOf,
} from './checksums.ts'
import { assertMayWrite, etagOf, writeConditions } from './conditions.ts'
import { type Run, seconds } from './context.ts'
import { describedBy } from './described.ts'
import { etagIn, isDirectoryBucket } from './directory-bucket.ts'
import { readDocument } from './documents.ts'
import { notImplemented, S3Error } from './errors.ts'
import { encryptionHeaders } from './objects.ts'
import { checksumHeader, header, type S3Request } from './request.ts'
import type { Part, Upload } from './state.ts'
import { storeBody } from './store-body.ts'
import { childText, onlyChildren, writeXml, type XmlElement } from './xml.ts'

/**
 * The smallest size of each part except the last, and the highest part number:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html.
 */
const leastPartBytes = 5 * 2 ** 20
const mostParts = 10_000

export const createMultipartUpload: Run = async (context, request) => {
  const { state } = context
  const { bucket, key } = request
  const algorithm = algorithmOf(request)
  const upload: Upload = {
    id: newUploadId(context.now()),
    bucket,
    key,
    ...describedBy(request, context.keepsMetadata),
    initiated: seconds(context),
    algorithm,
    type: typeOf(request, algorithm),
    deletionsBefore: state.deletions,
  }
  state.begin(upload)
  return {
    status: 200,
    headers: {
      'content-type': 'application/xml',
      'x-amz-checksum-algorithm': algorithm,
      'x-amz-checksum-type': algorithm === undefined ? undefined : upload.type,
      ...encryptionHeaders(upload),
    },
    body: writeXml('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: upload.id }),
  }
}

/** Part of each upload id. It makes ids grow, so that uploads that start later sort later. */
let uploads = 0
function newUploadId(now: Date): string {
  uploads += 1
  const time = now.getTime().toString(36).padStart(9, '0')
  return `${time}.${uploads.toString(36).padStart(6, '0')}.${crypto.randomUUID().replaceAll('-', '')}`
}

function algorithmOf(request: S3Request): ChecksumAlgorithm | undefined {
  const name = header(request, 'x-amz-checksum-algorithm')
  if (name !== undefined && !isAlgorithm(name)) throw notImplemented(`the checksum ${name}`)
  return name
}

/**
 * Returns the checksum type of an upload. Without an algorithm, S3 computes CRC64NVME, which is always of the full
 * object: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html.
 */
function typeOf(request: S3Request, algorithm: ChecksumAlgorithm | undefined): ChecksumType {
  const type = header(request, 'x-amz-checksum-type')
  const types = typesOf(algorithm ?? 'CRC64NVME')
  if (type !== undefined && algorithm === undefined)
    throw new S3Error(
      'InvalidRequest',
      'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    )
  const found = types.find((each) => each === (type ?? types[0]))
  if (found === undefined)
    throw new S3Error(
      'InvalidRequest',
      `The ${type ?? ''} checksum type cannot be used with the ${algorithm ?? ''} checksum algorithm.`,
    )
  return found
}

export const uploadPart: Run = async (context, request) => {
  const { state } = context
  const { bucket, key, query } = request
  const id = query.get('uploadId') ?? ''
  const upload = state.upload(bucket, key, id)
  const number = partNumber(query.get('partNumber'))
  assertChecksumOfUpload(upload, givenAlgorithm(request))
  const algorithm = upload.algorithm ?? 'CRC64NVME'
  const { piece, md5, given, computed } = await storeBody(state.files, request, algorithm)
  const etag = etagIn(bucket, md5)
  const checksum = { algorithm, value: computed?.value ?? '' }
  // No await from here to `addPart`, so that the upload still exists then.
  try {
    state.upload(bucket, key, id)
  } catch (error) {
    await state.files.remove([piece])
    throw error
  }
  const part: Part = { number, piece, etag, modified: seconds(context), checksum, given }
  await state.files.remove(state.addPart(id, part))
  return {
    status: 200,
    headers: {
      etag: `"${etag}"`,
      ...(given === undefined ? {} : { [headerOf(given.algorithm)]: given.value }),
      ...encryptionHeaders(upload),
    },
  }
}

export function partNumber(text: string | undefined): number {
  const number = Number(text)
  if (!/^\d{1,5}$/.test(text ?? '') || number < 1 || number > mostParts)
    throw new S3Error(
      'InvalidArgument',
      `Part number must be an integer between 1 and ${mostParts}, inclusive`,
      { ArgumentName: 'partNumber', ArgumentValue: text ?? '' },
    )
  return number
}

/** Throws if a part has another algorithm than its upload, or lacks the checksum that a composite upload requires. */
function assertChecksumOfUpload({ algorithm, type }: Upload, given: ChecksumAlgorithm | undefined): void {
  if (algorithm === undefined || given === algorithm) return
  if (given === undefined && type === 'FULL_OBJECT') return
  throw new S3Error(
    'InvalidRequest',
    `Checksum Type mismatch occurred, expected checksum Type: ${algorithm.toLowerCase()}, actual checksum Type: ${given?.toLowerCase() ?? 'null'}`,
  )
}

export const completeMultipartUpload: Run = async (context, request) => {
  const { state } = context
  const { bucket, key, query } = request
  const id = query.get('uploadId') ?? ''
  state.upload(bucket, key, id)
  const conditions = writeConditions(context, request)
  const { element } = await readDocument(bodyUnsummed(request), 'CompleteMultipartUpload')
  const wanted = parseParts(element)

  // No await from here to `publish`, so that the conditions still hold then.
  const upload = state.upload(bucket, key, id)
  if (isDirectoryBucket(bucket)) assertConsecutive(wanted)
  const parts = wanted.map((each) => findPart(state.part(id, each.number), upload, each))
  for (const part of parts.slice(0, -1)) assertLargeEnough(part)
  const size = parts.reduce((sum, { piece }) => sum + piece.size, 0)
  const checksum = checksumOf(upload, parts)
  assertAsAnnounced(request, checksum, size)
  try {
    assertMayWrite(state, bucket, key, conditions, upload.deletionsBefore)
  } catch (error) {
    // After a conflict, the client must start the whole upload again:
    // https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
    if (error instanceof S3Error && error.code === 'ConditionalRequestConflict')
      await state.files.remove(state.end(id))
    throw error
  }
  const digests = Buffer.concat(parts.map((part) => Buffer.from(part.etag, 'hex')))
  const etag = etagIn(bucket, `${createHash('md5').update(digests).digest('hex')}-${parts.length}`)
  const { headers, storageClass } = upload
  const pieces = parts.map(({ piece }) => piece)
  const modified = seconds(context)
  const replaced = state.publish(bucket, key, {
    headers,
    storageClass,
    pieces,
    size,
    etag,
    modified,
    checksum,
  })
  const unused = state.end(id).filter((piece) => !pieces.includes(piece))
  await state.files.remove([...replaced, ...unused])
  return completed(request, upload, etag, checksum)
}

/** Removes the checksum headers of CompleteMultipartUpload. They belong to the object, not to the body. */
function bodyUnsummed(request: S3Request): S3Request {
  const headers = Object.entries(request.call.headers).filter(([name]) => !name.startsWith('x-amz-checksum-'))
  return { ...request, call: { ...request.call, headers: Object.fromEntries(headers) } }
}

interface WantedPart {
  readonly number: number
  readonly etag: string
  readonly checksums: readonly ChecksumValue[]
}

function parseParts(element: XmlElement): readonly WantedPart[] {
  onlyChildren(element, 'Part')
  const parts = element.children.map((part): WantedPart => {
    onlyChildren(part, 'PartNumber', 'ETag', ...checksumAlgorithms.map((name) => `Checksum${name}`))
    const checksums = checksumAlgorithms.flatMap((algorithm) => {
      const value = childText(part, `Checksum${algorithm}`)
      return value === undefined ? [] : [{ algorithm, value }]
    })
    const etag = childText(part, 'ETag')
    if (etag === undefined) throw new S3Error('MalformedXML')
    return { number: partNumber(childText(part, 'PartNumber')), etag: etagOf(etag), checksums }
  })
  if (parts.length === 0 || parts.length > mostParts) throw new S3Error('MalformedXML')
  for (const [index, { number }] of parts.entries()) {
    if (number <= (parts[index - 1]?.number ?? 0)) throw new S3Error('InvalidPartOrder')
  }
  return parts
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-using-multipart-upload.html */
function assertConsecutive(parts: readonly WantedPart[]): void {
  if (parts.some(({ number }, index) => number !== index + 1))
    throw new S3Error('InvalidPartOrder', 'The part numbers of a directory bucket must be consecutive.')
}

function findPart(part: Part | undefined, upload: Upload, { number, etag, checksums }: WantedPart): Part {
  const { algorithm, type, id } = upload
  const wrong = new S3Error('InvalidPart', undefined, { UploadId: id, PartNumber: number, ETag: etag })
  if (part?.etag !== etag) throw wrong
  for (const { algorithm: other, value } of checksums) {
    const kept = [part.checksum, part.given].find((each) => each?.algorithm === other)
    if (kept?.value !== value) throw wrong
  }
  if (algorithm !== undefined && type === 'COMPOSITE' && checksums.length === 0)
    throw new S3Error(
      'InvalidRequest',
      `The upload was created using a ${algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${number} in the request.`,
    )
  return part
}

function assertLargeEnough({ number, etag, piece }: Part): void {
  if (piece.size >= leastPartBytes) return
  throw new S3Error('EntityTooSmall', undefined, {
    ProposedSize: piece.size,
    MinSizeAllowed: leastPartBytes,
    PartNumber: number,
    ETag: etag,
  })
}

function checksumOf({ algorithm, type }: Upload, parts: readonly Part[]): Checksum {
  const summed = parts.map(({ checksum, piece }) => ({ checksum: checksum.value, size: piece.size }))
  return ofParts(algorithm ?? 'CRC64NVME', type, summed)
}

/** Throws if the checksum, its type or the size of the object differ from those that the request announced. */
function assertAsAnnounced(request: S3Request, checksum: Checksum, size: number): void {
  const given = checksumHeader(request)
  const type = header(request, 'x-amz-checksum-type')
  if (type !== undefined && type !== checksum.type)
    throw new S3Error(
      'InvalidRequest',
      `The upload was created using the ${checksum.type} checksum mode. The complete request must use the same checksum mode.`,
    )
  if (given !== undefined) {
    const [value = ''] = given.value.split('-')
    if (!isChecksum(given.algorithm, value))
      throw new S3Error('InvalidRequest', `Value for ${headerOf(given.algorithm)} header is invalid.`)
    if (given.algorithm !== checksum.algorithm || given.value !== checksum.value)
      throw new S3Error(
        'BadDigest',
        `The ${given.algorithm} you specified did not match the calculated checksum.`,
      )
  }
  const announced = header(request, 'x-amz-mp-object-size')
  if (announced !== undefined && Number(announced) !== size)
    throw new S3Error(
      'InvalidRequest',
      `The provided 'x-amz-mp-object-size' header value ${announced} does not match what was computed: ${size}`,
    )
}

function completed(request: S3Request, upload: Upload, etag: string, checksum: Checksum): Answer {
  const { bucket, key } = request
  return {
    status: 200,
    headers: { 'content-type': 'application/xml', ...encryptionHeaders(upload) },
    body: writeXml('CompleteMultipartUploadResult', {
      Location: `http://${header(request, 'host') ?? ''}/${bucket}/${encodeURIComponent(key)}`,
      Bucket: bucket,
      Key: key,
      ETag: `"${etag}"`,
      [`Checksum${checksum.algorithm}`]: checksum.value,
      ChecksumType: checksum.type,
    }),
  }
}

export const abortMultipartUpload: Run = async ({ state }, request) => {
  const { bucket, key, query } = request
  const { id } = state.upload(bucket, key, query.get('uploadId') ?? '')
  await state.files.remove(state.end(id))
  return { status: 204 }
}
