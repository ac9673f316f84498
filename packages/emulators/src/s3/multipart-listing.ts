import type { Answer } from '../http/http-server.ts'
import { compareKeys } from '../objects/sorted-keys.ts'
import type { Run } from './context.ts'
import { assertListableInDirectory, isDirectoryBucket, shuffledPlace } from './directory-bucket.ts'
import { encoding, pageLimit } from './listing.ts'
import { numberParameter, type S3Request } from './request.ts'
import type { State, Upload } from './state.ts'
import { writeXml, type XmlContent } from './xml.ts'

/**
 * Lists one page of the unfinished uploads of a bucket, ordered by key and then by start time:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html. With `key-marker` alone, a page
 * begins after the last upload of that key. `upload-id-marker` without `key-marker` is ignored.
 */
export const listMultipartUploads: Run = async ({ state }, request) => {
  const { bucket, query } = request
  assertListableInDirectory(request)
  if (isDirectoryBucket(bucket)) return listInDirectory(state, request)
  const encode = encoding(request)
  const prefix = query.get('prefix') ?? ''
  const keyMarker = query.get('key-marker') ?? ''
  const idMarker = keyMarker === '' ? '' : (query.get('upload-id-marker') ?? '')
  const limit = numberParameter(request, 'max-uploads', pageLimit)
  const after = state
    .uploadsOf(bucket)
    .filter(({ key, id }) => {
      const order = compareKeys(key, keyMarker)
      return key.startsWith(prefix) && (order > 0 || (order === 0 && idMarker !== '' && id > idMarker))
    })
    .sort((one, other) => compareKeys(one.key, other.key) || compareKeys(one.id, other.id))
  const page = after.slice(0, limit)
  const last = after.length > page.length ? page.at(-1) : undefined
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: writeXml('ListMultipartUploadsResult', {
      Bucket: bucket,
      KeyMarker: encode(keyMarker),
      UploadIdMarker: idMarker,
      NextKeyMarker: last === undefined ? undefined : encode(last.key),
      NextUploadIdMarker: last?.id,
      Prefix: encode(prefix),
      MaxUploads: limit,
      EncodingType: query.get('encoding-type'),
      IsTruncated: last !== undefined,
      Upload: page.map((upload) => described(upload, encode)),
    }),
  }
}

/**
 * Lists one page of the uploads of a directory bucket, in no order. The marker is not a key, and there is none for upload ids:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html.
 */
function listInDirectory(state: State, request: S3Request): Answer {
  const { bucket, query } = request
  const encode = encoding(request)
  const prefix = query.get('prefix') ?? ''
  const marker = query.get('key-marker') ?? ''
  const limit = numberParameter(request, 'max-uploads', pageLimit)
  const after = state
    .uploadsOf(bucket)
    .filter(({ key, id }) => key.startsWith(prefix) && shuffledPlace(id) > marker)
    .sort((one, other) => compareKeys(shuffledPlace(one.id), shuffledPlace(other.id)))
  const page = after.slice(0, limit)
  const last = after.length > page.length ? page.at(-1) : undefined
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: writeXml('ListMultipartUploadsResult', {
      Bucket: bucket,
      KeyMarker: marker,
      NextKeyMarker: last === undefined ? undefined : shuffledPlace(last.id),
      Prefix: encode(prefix),
      MaxUploads: limit,
      EncodingType: query.get('encoding-type'),
      IsTruncated: last !== undefined,
      Upload: page.map((upload) => described(upload, encode)),
    }),
  }
}

function described(
  { key, id, initiated, storageClass, algorithm, type }: Upload,
  encode: (key: string) => string,
): XmlContent {
  return {
    Key: encode(key),
    UploadId: id,
    Initiator: owner,
    Owner: owner,
    StorageClass: storageClass,
    Initiated: new Date(initiated).toISOString(),
    ChecksumAlgorithm: algorithm,
    ChecksumType: algorithm === undefined ? undefined : type,
  }
}

const owner = { ID: 'emulator', DisplayName: 'emulator' }

export const listParts: Run = async ({ state }, request) => {
  const { bucket, key, query } = request
  const { id, storageClass, algorithm, type } = state.upload(bucket, key, query.get('uploadId') ?? '')
  const limit = numberParameter(request, 'max-parts', pageLimit)
  const marker = query.has('part-number-marker') ? numberParameter(request, 'part-number-marker', 10_000) : 0
  const after = state.partsOf(id).filter(({ number }) => number > marker)
  const page = after.slice(0, limit)
  const last = page.at(-1)
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: writeXml('ListPartsResult', {
      Bucket: bucket,
      Key: key,
      UploadId: id,
      Initiator: owner,
      Owner: owner,
      StorageClass: storageClass,
      PartNumberMarker: marker,
      NextPartNumberMarker: last?.number ?? 0,
      MaxParts: limit,
      IsTruncated: after.length > page.length && last !== undefined,
      ChecksumAlgorithm: algorithm,
      ChecksumType: algorithm === undefined ? undefined : type,
      Part: page.map(({ number, modified, etag, piece, checksum }) => ({
        PartNumber: number,
        LastModified: new Date(modified).toISOString(),
        ETag: `"${etag}"`,
        Size: piece.size,
        ...(algorithm === undefined ? {} : { [`Checksum${algorithm}`]: checksum.value }),
      })),
    }),
  }
}
