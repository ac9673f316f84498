import { crc32 } from 'node:zlib'
import { type RequestInfo, combineCrc32, foreignAnswer, type ObjectHash } from '@holdfast/core/backend'
import type { Checksum } from './options.ts'

/** CRC-32 as S3 writes it: big-endian, in base64 (S3 User Guide, "Checking object integrity"). */
function base64Crc32(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes.toString('base64')
}

/** The fields by which the store verifies the bytes of a request. */
export interface Proof {
  readonly ChecksumCRC32?: string
}

export function proofOf({ checksum }: { readonly checksum: Checksum }, bytes: Uint8Array): Proof {
  return checksum === 'none' ? {} : { ChecksumCRC32: base64Crc32(crc32(bytes)) }
}

/** That of an object, from those of its parts in their order; none where a part has none. */
export function wholeProof(parts: readonly (Proof & { readonly size: number })[]): Proof {
  let whole = 0
  for (const { ChecksumCRC32, size } of parts) {
    if (ChecksumCRC32 === undefined) return {}
    whole = combineCrc32(whole, Buffer.from(ChecksumCRC32, 'base64').readUInt32BE(), size)
  }
  return { ChecksumCRC32: base64Crc32(whole) }
}

/** What S3 answers about the checksum of an object. */
export interface ChecksumResponse {
  readonly ChecksumCRC32?: string | undefined
  readonly ChecksumType?: string | undefined
}

/**
 * The store's word for an object, when it keeps a checksum of the whole. A composite one is of the parts' checksums,
 * and says nothing about the bytes to whoever does not know the parts.
 */
export function storeDigestOf(told: ChecksumResponse): ObjectHash | undefined {
  if (told.ChecksumCRC32 === undefined || told.ChecksumType === 'COMPOSITE') return undefined
  const bytes = Buffer.from(told.ChecksumCRC32, 'base64')
  return bytes.byteLength === 4
    ? { algorithm: 'crc32', value: bytes.toString('hex'), origin: 'store' }
    : undefined
}

/**
 * Whether the answer repeats the checksum of what was sent, as only a store does that computed it. Rejects one with
 * another checksum.
 */
export function isProvenBy(asked: RequestInfo, told: ChecksumResponse, sent: Proof): boolean {
  if (told.ChecksumCRC32 === undefined || told.ChecksumType === 'COMPOSITE') return false
  if (sent.ChecksumCRC32 === undefined) return false
  if (told.ChecksumCRC32 === sent.ChecksumCRC32) return true
  throw foreignAnswer(asked, `it has the checksum ${told.ChecksumCRC32}, and ${sent.ChecksumCRC32} was sent`)
}
