import { compareKeys } from '../objects/sorted-keys.ts'
import type { Run } from './context.ts'
import { assertListableInDirectory, isDirectoryBucket, shuffledPlace } from './directory-bucket.ts'
import { notImplemented, S3Error } from './errors.ts'
import { numberParameter, type S3Request } from './request.ts'
import type { State } from './state.ts'
import { writeXml } from './xml.ts'

/**
 * The largest number of entries on a page of any listing:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html.
 */
export const pageLimit = 1000

/**
 * Lists one page of the keys with a prefix, ordered by their UTF-8 bytes, or in no order. With a delimiter, keys that share the
 * text up to the delimiter are listed once, by that text.
 */
export const listObjects: Run = async ({ state, unorderedLists }, request) => {
  const { bucket, query } = request
  if (query.get('list-type') !== '2') throw notImplemented('ListObjects other than version 2')
  assertListableInDirectory(request)
  const prefix = query.get('prefix') ?? ''
  const startAfter = query.get('start-after')
  const delimiter = query.get('delimiter')
  if (delimiter !== undefined && delimiter !== '/') throw notImplemented(`the delimiter ${delimiter}`)
  const token = query.get('continuation-token')
  const limit = numberParameter(request, 'max-keys', pageLimit)
  const encode = encoding(request)

  const isUnordered = unorderedLists || isDirectoryBucket(bucket)
  const names =
    isUnordered || delimiter !== undefined
      ? namesOf(state, request, isUnordered)
      : keysWith(state, bucket, prefix, token === undefined ? startAfter : parseToken(token))
  const page: string[] = []
  let truncated = false
  for (const name of names) {
    truncated = page.length === limit
    if (truncated) break
    page.push(name)
  }

  const last = page.at(-1)
  const isFolder = (name: string): boolean => delimiter !== undefined && name.endsWith(delimiter)
  const contents = page.flatMap((key) => {
    const object = isFolder(key) ? undefined : state.object(bucket, key)
    if (object === undefined) return []
    return [
      {
        Key: encode(key),
        LastModified: new Date(object.modified).toISOString(),
        ETag: `"${object.etag}"`,
        ChecksumAlgorithm: object.checksum.algorithm,
        ChecksumType: object.checksum.type,
        Size: object.size,
        StorageClass: object.storageClass,
      },
    ]
  })
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: writeXml('ListBucketResult', {
      Name: bucket,
      Prefix: encode(prefix),
      Delimiter: delimiter,
      StartAfter: startAfter === undefined ? undefined : encode(startAfter),
      ContinuationToken: token,
      NextContinuationToken: truncated && last !== undefined ? tokenOf(last) : undefined,
      KeyCount: page.length,
      MaxKeys: limit,
      EncodingType: query.get('encoding-type'),
      IsTruncated: truncated && last !== undefined,
      Contents: contents,
      CommonPrefixes: page.filter(isFolder).map((name) => ({ Prefix: encode(name) })),
    }),
  }
}

/** Yields the keys with a prefix after a key, ordered by their UTF-8 bytes. */
function* keysWith(
  state: State,
  bucket: string,
  prefix: string,
  after: string | undefined,
): Generator<string> {
  const first = after !== undefined && compareKeys(after, prefix) > 0 ? after : prefix
  for (const key of state.keysFrom(bucket, first)) {
    if (!key.startsWith(prefix)) return
    if (key !== after) yield key
  }
}

/** Returns the names of the rest of a listing: keys, and with a delimiter what keys share up to it. */
function namesOf(state: State, { bucket, query }: S3Request, isUnordered: boolean): readonly string[] {
  const prefix = query.get('prefix') ?? ''
  const startAfter = query.get('start-after')
  const delimiter = query.get('delimiter')
  const grouped = (key: string): string => {
    const end = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length)
    return end === -1 ? key : key.slice(0, end + 1)
  }
  const names = new Set(
    [...keysWith(state, bucket, prefix, undefined)]
      .map(grouped)
      .filter((name) => startAfter === undefined || compareKeys(name, startAfter) > 0),
  )
  // Prefixes of unfinished uploads are listed, too: https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-differences.html.
  if (isDirectoryBucket(bucket) && delimiter !== undefined)
    for (const { key } of state.uploadsOf(bucket))
      if (key.startsWith(prefix) && grouped(key) !== key) names.add(grouped(key))
  const place = isUnordered ? shuffledPlace : (name: string) => name
  const token = query.get('continuation-token')
  const last = token === undefined ? '' : place(parseToken(token))
  return [...names]
    .filter((name) => compareKeys(place(name), last) > 0)
    .sort((one, other) => compareKeys(place(one), place(other)))
}

/** Returns how a listing writes keys: unchanged, or percent-encoded if the client requests it. */
export function encoding(request: S3Request): (key: string) => string {
  const type = request.query.get('encoding-type')
  if (type === undefined) return (key) => key
  if (type !== 'url')
    throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request', {
      ArgumentName: 'encoding-type',
      ArgumentValue: type,
    })
  return encodeKey
}

/**
 * Encodes a key for `encoding-type=url` (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html).
 * It is the encoding of HTML forms, in which a space becomes a plus sign, except that `/` and `*` stay unchanged.
 * Details follow what clients decode.
 */
function encodeKey(key: string): string {
  return encodeURIComponent(key)
    .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
    .replaceAll('%2F', '/')
}

function tokenOf(key: string): string {
  return Buffer.from(`after:${key}`).toString('base64url')
}

function parseToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString()
  if (!text.startsWith('after:'))
    throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect', {
      ArgumentName: 'continuation-token',
    })
  return text.slice('after:'.length)
}
