import { createHash, createHmac } from 'node:crypto'
import { isDirectoryBucket } from './directory-bucket.ts'
import { S3Error } from './errors.ts'
import { header, queryOf, type S3Request } from './request.ts'

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** If set, requests must send this token. */
  readonly sessionToken?: string
}

const fifteenMinutes = 15 * 60 * 1000

/** Returns the access key with which a request is signed; `undefined` for a request without a signature. */
export function accessKeyOf(request: S3Request): string | undefined {
  return /Credential=([^/,]+)\//.exec(header(request, 'authorization') ?? '')?.[1]
}

/**
 * Verifies the signature of a request:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html. The reader of the
 * body verifies that the body is the signed one.
 */
export function verifySignature(
  request: S3Request,
  credentials: S3Credentials,
  region: string,
  now: Date,
): void {
  const { keyId, date, scopeRegion, service, signedHeaders, signature } = parseAuthorization(request)
  if (keyId !== credentials.accessKeyId)
    throw new S3Error('InvalidAccessKeyId', undefined, { AWSAccessKeyId: keyId })
  const token = header(request, 'x-amz-s3session-token') ?? header(request, 'x-amz-security-token')
  if ((token ?? '') !== (credentials.sessionToken ?? '')) throw new S3Error('InvalidToken')
  const time = header(request, 'x-amz-date') ?? ''
  const skew = Math.abs(now.getTime() - parseTime(time))
  if (Number.isNaN(skew))
    throw new S3Error('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header')
  if (skew > fifteenMinutes)
    throw new S3Error('RequestTimeTooSkewed', undefined, {
      RequestTime: time,
      ServerTime: now.toISOString(),
      MaxAllowedSkewMilliseconds: fifteenMinutes,
    })
  if (scopeRegion !== region)
    throw new S3Error(
      'AuthorizationHeaderMalformed',
      `The authorization header is malformed; the region '${scopeRegion}' is wrong; expecting '${region}'`,
      { Region: region },
    )
  if (service !== serviceOf(request) || date !== time.slice(0, 8))
    throw new S3Error('AuthorizationHeaderMalformed', 'The credential scope does not match this request.')
  refuseUnsigned(request, signedHeaders)

  const canonical = canonicalRequest(request, signedHeaders)
  const scope = `${date}/${region}/${service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')
  const key = [date, region, service, 'aws4_request'].reduce<Buffer | string>(
    hmac,
    `AWS4${credentials.secretAccessKey}`,
  )
  if (hmac(key, toSign).toString('hex') !== signature)
    throw new S3Error('SignatureDoesNotMatch', undefined, {
      AWSAccessKeyId: keyId,
      StringToSign: toSign,
      CanonicalRequest: canonical,
    })
}

/** Requests to directory buckets are signed for another service: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateSession.html. */
function serviceOf({ bucket }: S3Request): string {
  return isDirectoryBucket(bucket) ? 's3express' : 's3'
}

interface Authorization {
  readonly keyId: string
  readonly date: string
  readonly scopeRegion: string
  readonly service: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
}

function parseAuthorization(request: S3Request): Authorization {
  const authorization = header(request, 'authorization')
  if (authorization === undefined) throw new S3Error('AccessDenied')
  const match =
    /^AWS4-HMAC-SHA256 +Credential=([^/,]+)\/(\d{8})\/([^/,]+)\/([^/,]+)\/aws4_request, *SignedHeaders=([^,]+), *Signature=([0-9a-f]{64})$/.exec(
      authorization,
    )
  if (match === null) throw new S3Error('AuthorizationHeaderMalformed')
  const [, keyId = '', date = '', scopeRegion = '', service = '', headers = '', signature = ''] = match
  return { keyId, date, scopeRegion, service, signedHeaders: headers.split(';'), signature }
}

/** Throws if `Host`, or a header whose name begins with `x-amz-`, is not signed. */
function refuseUnsigned({ call }: S3Request, signed: readonly string[]): void {
  const unsigned = Object.keys(call.headers).filter(
    (name) => (name === 'host' || name.startsWith('x-amz-')) && !signed.includes(name),
  )
  if (unsigned.length > 0)
    throw new S3Error('AccessDenied', 'There were headers present in the request which were not signed', {
      HeadersNotSigned: unsigned.join(', '),
    })
}

function canonicalRequest(request: S3Request, signedHeaders: readonly string[]): string {
  const { method, path, rawQuery, headersDistinct } = request.call
  const query = queryOf(rawQuery)
    .map(([name, value]) => [encoded(name), encoded(value)] as const)
    .sort(([one, oneValue], [other, otherValue]) =>
      one === other ? compare(oneValue, otherValue) : compare(one, other),
    )
    .map(([name, value]) => `${name}=${value}`)
  const headers = signedHeaders.map(
    (name) => `${name}:${(headersDistinct[name] ?? []).map(trimmed).join(',')}\n`,
  )
  return [
    method,
    path
      .split('/')
      .map((segment) => encoded(decodeURIComponent(segment)))
      .join('/'),
    query.join('&'),
    headers.join(''),
    signedHeaders.join(';'),
    header(request, 'x-amz-content-sha256') ?? '',
  ].join('\n')
}

function trimmed(value: string): string {
  return value.trim().replaceAll(/ +/g, ' ')
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

/** Percent-encodes everything except unreserved characters (RFC 3986). */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${hexadecimal(character)}`)
}

function hexadecimal(character: string): string {
  return character.charCodeAt(0).toString(16).toUpperCase()
}

/** Parses a time such as `20261124T120000Z` to milliseconds. Returns NaN for another form. */
function parseTime(time: string): number {
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time) ?? []
  const [year, month, day, hour, minute, second] = parts
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
