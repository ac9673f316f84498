import { createHash } from 'node:crypto'
import {
  type ChecksumAlgorithm,
  checksumAlgorithms,
  type ChecksumValue,
  createChecksum,
  headerOf,
  isAlgorithm,
  isChecksum,
} from './checksums.ts'
import { decodeChunked } from './chunked.ts'
import { notImplemented, S3Error } from './errors.ts'
import { checksumHeader, header, type S3Request } from './request.ts'

/** A body that arrived completely and matches its headers. */
export interface Received {
  readonly size: number
  /** The digest of the body, in hexadecimal. */
  readonly md5: string
  /** The checksum that the client sent. It is verified. */
  readonly given: ChecksumValue | undefined
  /** The additional checksum that the caller requested. */
  readonly computed: ChecksumValue | undefined
}

/**
 * The largest size in bytes of one PUT, or of one part:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html.
 */
const mostBytes = 5 * 2 ** 30

/** Headers that describe the body. */
export const bodyHeaders: readonly string[] = [
  'x-amz-decoded-content-length',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-trailer',
  ...checksumAlgorithms.map(headerOf),
]

/**
 * Passes the body to `sink` as it arrives, and verifies everything that the request announces: length, Content-MD5,
 * the signed SHA-256, and the checksum in a header or a trailer. Computes one additional checksum if the caller
 * asks for it.
 */
export async function receive(
  request: S3Request,
  sink: (chunk: Uint8Array) => Promise<void>,
  compute?: ChecksumAlgorithm,
): Promise<Received> {
  const announced = announcedSize(request)
  const signedHash = payloadHash(request)
  const contentMd5 = parseContentMd5(request)
  const given = announcedChecksum(request)
  const trailers = new Map<string, string>()

  const md5 = createHash('md5')
  const sha256 = signedHash === undefined ? undefined : createHash('sha256')
  const wanted = new Set([given?.algorithm ?? [], compute ?? []].flat())
  const running = [...wanted].map((algorithm) => ({ algorithm, sum: createChecksum(algorithm) }))
  let size = 0
  for await (const chunk of payload(request, trailers)) {
    size += chunk.byteLength
    md5.update(chunk)
    sha256?.update(chunk)
    for (const { sum } of running) sum.update(chunk)
    await sink(chunk)
  }

  if (size !== announced) throw new S3Error('IncompleteBody')
  const digest = md5.digest()
  if (contentMd5 !== undefined && !contentMd5.equals(digest))
    throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.', {
      ExpectedDigest: contentMd5.toString('base64'),
      CalculatedDigest: digest.toString('base64'),
    })
  if (sha256 !== undefined && sha256.digest('hex') !== signedHash)
    throw new S3Error('XAmzContentSHA256Mismatch')
  const values = running.map(({ algorithm, sum }): ChecksumValue => {
    return { algorithm, value: sum.digest().toString('base64') }
  })
  const found = values.find(({ algorithm }) => algorithm === given?.algorithm)
  if (given !== undefined) verifyChecksum(given, trailers, found?.value)
  const computed = values.find(({ algorithm }) => algorithm === compute)
  return { size, md5: digest.toString('hex'), given: found, computed }
}

/** Returns the algorithm of the checksum that the client sends for this body, in a header or a trailer. */
export function givenAlgorithm(request: S3Request): ChecksumAlgorithm | undefined {
  const trailer = header(request, 'x-amz-trailer')?.toLowerCase()
  return (
    checksumHeader(request)?.algorithm ??
    checksumAlgorithms.find((algorithm) => headerOf(algorithm) === trailer)
  )
}

function isChunked(request: S3Request): boolean {
  return header(request, 'x-amz-content-sha256') === 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
}

function payload(request: S3Request, trailers: Map<string, string>): AsyncIterable<Uint8Array> {
  const body = request.call.body()
  return isChunked(request) ? decodeChunked(body, trailers) : body
}

/**
 * Returns the length of the body. S3 rejects a PUT without it (`MissingContentLength`):
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
 */
function announcedSize(request: S3Request): number {
  const codings = (header(request, 'content-encoding') ?? '').split(/ *, */)
  if (codings.includes('aws-chunked') !== isChunked(request))
    throw new S3Error(
      'InvalidRequest',
      'A request must use aws-chunked and STREAMING-UNSIGNED-PAYLOAD-TRAILER together.',
    )
  const name = isChunked(request) ? 'x-amz-decoded-content-length' : 'content-length'
  const text = header(request, name) ?? ''
  if (!/^\d+$/.test(text)) throw new S3Error('MissingContentLength')
  const size = Number(text)
  if (size > mostBytes)
    throw new S3Error('EntityTooLarge', undefined, { ProposedSize: size, MaxSizeAllowed: mostBytes })
  return size
}

/** Returns the signed SHA-256 of the body, or `undefined` if the client did not sign the body. */
function payloadHash(request: S3Request): string | undefined {
  const hash = header(request, 'x-amz-content-sha256')
  if (hash === undefined)
    throw new S3Error(
      'MissingSecurityHeader',
      'Your request was missing a required header: x-amz-content-sha256',
    )
  if (hash === 'UNSIGNED-PAYLOAD' || hash === 'STREAMING-UNSIGNED-PAYLOAD-TRAILER') return undefined
  if (hash.startsWith('STREAMING-')) throw notImplemented(hash)
  if (/^[0-9a-f]{64}$/.test(hash)) return hash
  throw new S3Error(
    'InvalidArgument',
    'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER or a SHA-256.',
  )
}

function parseContentMd5(request: S3Request): Buffer | undefined {
  const text = header(request, 'content-md5')
  if (text === undefined) return undefined
  const bytes = Buffer.from(text, 'base64')
  if (bytes.byteLength !== 16) throw new S3Error('InvalidDigest')
  return bytes
}

/** A checksum that the request announces. The value is absent if it follows in a trailer. */
interface AnnouncedChecksum {
  readonly algorithm: ChecksumAlgorithm
  readonly value?: string
}

function announcedChecksum(request: S3Request): AnnouncedChecksum | undefined {
  const inHeader = checksumHeader(request)
  const inTrailer = checksumAlgorithms.find(
    (algorithm) => header(request, 'x-amz-trailer')?.toLowerCase() === headerOf(algorithm),
  )
  if (header(request, 'x-amz-trailer') !== undefined && (inTrailer === undefined || !isChunked(request)))
    throw new S3Error('InvalidRequest', 'The value specified in the x-amz-trailer header is not supported')
  if (inHeader !== undefined && inTrailer !== undefined)
    throw new S3Error('InvalidRequest', 'Expecting a single x-amz-checksum- header')
  const given = inHeader ?? (inTrailer === undefined ? undefined : { algorithm: inTrailer })
  if (inHeader !== undefined && !isChecksum(inHeader.algorithm, inHeader.value))
    throw new S3Error('InvalidRequest', `Value for ${headerOf(inHeader.algorithm)} header is invalid.`)
  const meant = header(request, 'x-amz-sdk-checksum-algorithm')
  if (meant !== undefined && !isAlgorithm(meant)) throw notImplemented(`the checksum ${meant}`)
  if (meant !== undefined && meant !== given?.algorithm)
    throw new S3Error(
      'InvalidRequest',
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    )
  return given
}

function verifyChecksum(
  { algorithm, value }: AnnouncedChecksum,
  trailers: ReadonlyMap<string, string>,
  computed: string | undefined,
): void {
  if (value === undefined && [...trailers.keys()].join() !== headerOf(algorithm))
    throw new S3Error('MalformedTrailerError')
  if ((value ?? trailers.get(headerOf(algorithm))) !== computed)
    throw new S3Error('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`)
}
