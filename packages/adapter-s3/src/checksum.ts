import { crc32 } from 'node:zlib'
import { type RequestInfo, combineCrc32, foreignAnswer, type ObjectHash } from '@holdfast/core/backend'
import type { Checksum } from './options.ts'

/**
 * Encodes a CRC-32 as S3 does: big-endian, in base64.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 */
export function base64Crc32(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes.toString('base64')
}

/** The fields by which the store verifies the bytes of a request. Empty if checksums are off. */
export interface SentChecksum {
  readonly ChecksumCRC32?: string
}

export function checksumOf({ checksum }: { readonly checksum: Checksum }, bytes: Uint8Array): SentChecksum {
  return checksum === 'none' ? {} : { ChecksumCRC32: base64Crc32(crc32(bytes)) }
}

/** Combines the checksums of the parts of an object, in order. Empty if a part has no checksum. */
export function wholeChecksum(parts: readonly (SentChecksum & { readonly size: number })[]): SentChecksum {
  let whole = 0
  for (const { ChecksumCRC32, size } of parts) {
    if (ChecksumCRC32 === undefined) return {}
    whole = combineCrc32(whole, Buffer.from(ChecksumCRC32, 'base64').readUInt32BE(), size)
  }
  return { ChecksumCRC32: base64Crc32(whole) }
}

/**
 * Computes the checksum that the store keeps for an upload of the type `COMPOSITE`: that of the checksums of the parts.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 */
export function compositeChecksum(parts: readonly SentChecksum[]): SentChecksum {
  const checksums = parts.flatMap(({ ChecksumCRC32 }) => ChecksumCRC32 ?? [])
  if (checksums.length < parts.length) return {}
  const whole = crc32(Buffer.concat(checksums.map((each) => Buffer.from(each, 'base64'))))
  return { ChecksumCRC32: `${base64Crc32(whole)}-${parts.length}` }
}

/** The fields of a response that describe the checksum of an object. */
export interface ChecksumResponse {
  readonly ChecksumCRC32?: string | undefined
  readonly ChecksumType?: string | undefined
}

/**
 * Returns the checksum that the store keeps, if it covers the whole object. A composite checksum is computed from the
 * checksums of the parts, so the bytes alone do not determine it.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 */
export function storeDigestOf(reported: ChecksumResponse): ObjectHash | undefined {
  if (reported.ChecksumCRC32 === undefined || isComposite(reported)) return undefined
  const bytes = Buffer.from(reported.ChecksumCRC32, 'base64')
  return bytes.byteLength === 4
    ? { algorithm: 'crc32', value: bytes.toString('hex'), origin: 'store' }
    : undefined
}

/** Some services do not state the type. The checksum of an upload in parts then ends in their number. */
function isComposite({ ChecksumCRC32, ChecksumType }: ChecksumResponse): boolean {
  return ChecksumType === 'COMPOSITE' || ChecksumCRC32?.includes('-') === true
}

/**
 * Returns whether the response repeats the checksum of the bytes that were sent. Only a store that computed the
 * checksum sends it. Throws for another checksum.
 */
export function isVerifiedBy(info: RequestInfo, reported: ChecksumResponse, sent: SentChecksum): boolean {
  if (reported.ChecksumCRC32 === undefined || sent.ChecksumCRC32 === undefined) return false
  if (isComposite(reported) && !sent.ChecksumCRC32.includes('-')) return false
  if (reported.ChecksumCRC32 === sent.ChecksumCRC32) return true
  throw foreignAnswer(
    info,
    `it has the checksum ${reported.ChecksumCRC32}, and ${sent.ChecksumCRC32} was sent`,
  )
}
