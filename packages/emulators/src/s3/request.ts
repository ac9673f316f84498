import type { Call } from '../http/http-server.ts'
import { parseQuery } from '../http/query.ts'
import { type ChecksumAlgorithm, checksumAlgorithms, headerOf } from './checksums.ts'
import { isDirectoryBucket } from './directory-bucket.ts'
import { notImplemented, S3Error } from './errors.ts'

/** A parsed request to S3. */
export interface S3Request {
  readonly call: Call
  /** The name of the bucket. Empty for a request to the service itself. */
  readonly bucket: string
  /** The key of the object. Empty for a request to the bucket itself. */
  readonly key: string
  readonly query: ReadonlyMap<string, string>
}

/** The longest key in bytes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html. */
const longestKey = 1024

/**
 * Parses a path-style address: the bucket is the first segment of the path after the base path, and the key is the rest.
 *
 * @throws `NoSuchBucket` for an address that is not below the base path.
 */
export function parseRequest(call: Call, basePath: string): S3Request {
  if (!call.path.startsWith(`${basePath}/`)) throw new S3Error('NoSuchBucket')
  const path = call.path.slice(basePath.length + 1)
  const slash = path.indexOf('/')
  const bucket = decoded(slash === -1 ? path : path.slice(0, slash))
  // The SDK writes two slashes after the name of a directory bucket if the endpoint is an IP address.
  const rest = slash === -1 ? '' : path.slice(slash + 1)
  const key = decoded(isDirectoryBucket(bucket) ? rest.replace(/^\//, '') : rest)
  if (Buffer.byteLength(key) > longestKey)
    throw new S3Error('KeyTooLongError', undefined, {
      Size: Buffer.byteLength(key),
      MaxSizeAllowed: longestKey,
    })
  const query = new Map<string, string>()
  for (const [name, value] of queryOf(call.rawQuery)) {
    if (query.has(name)) throw new S3Error('InvalidArgument', `The parameter ${name} was given twice.`)
    query.set(name, value)
  }
  return { call, bucket, key, query }
}

/** Decodes the parameters of a query, in their order. */
export function queryOf(rawQuery: string): readonly (readonly [string, string])[] {
  try {
    return parseQuery(rawQuery)
  } catch {
    throw new S3Error('InvalidURI', undefined, { URI: rawQuery })
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new S3Error('InvalidURI', undefined, { URI: text })
  }
}

export function header({ call }: S3Request, name: string): string | undefined {
  const value = call.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** Parameters and headers that every request can have. */
const everywhere = [
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-request-payer',
  'x-amz-s3session-token',
  'x-amz-security-token',
  'x-amz-user-agent',
]

/** Headers that change the result. An operation that does not support one of them must reject it. */
const conditions = [
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'range',
]

/** Throws for every parameter, every `x-amz-` header and every condition that the operation does not support. */
export function refuseUnknown(
  { call, query }: S3Request,
  known: { readonly query: readonly string[]; readonly headers: readonly string[] },
): void {
  for (const name of query.keys())
    if (name !== 'x-id' && !known.query.includes(name)) throw notImplemented(`the parameter ${name} here`)
  const headers = [...everywhere, ...known.headers]
  for (const name of Object.keys(call.headers)) {
    if (!name.startsWith('x-amz-') && !conditions.includes(name)) continue
    if (name.startsWith('x-amz-meta-') && headers.includes('x-amz-meta-*')) continue
    if (!headers.includes(name)) throw notImplemented(`the header ${name} here`)
  }
}

/** Parses an integer parameter. Returns at most the limit, and the limit if the parameter is absent. */
export function numberParameter({ query }: S3Request, name: string, limit: number): number {
  const text = query.get(name)
  if (text === undefined) return limit
  if (!/^\d{1,10}$/.test(text))
    throw new S3Error('InvalidArgument', `Provided ${name} not an integer or within integer range`, {
      ArgumentName: name,
      ArgumentValue: text,
    })
  return Math.min(Number(text), limit)
}

/** Returns the checksum in a header of a request, if there is one. */
export function checksumHeader(
  request: S3Request,
): { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined {
  const given = checksumAlgorithms.flatMap((algorithm) => {
    const value = header(request, headerOf(algorithm))
    return value === undefined ? [] : [{ algorithm, value }]
  })
  if (given.length > 1)
    throw new S3Error(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    )
  return given[0]
}
