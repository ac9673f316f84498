import { crc32 } from 'node:zlib'
import type { ObjectHash } from '@holdfast/core'
import type { Checksum } from './options.ts'

/** CRC-32 as S3 writes it: big-endian, in base64 (S3 User Guide, "Checking object integrity"). */
export function base64Crc32(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes.toString('base64')
}

/** The fields by which the store verifies the bytes of a request. */
export function proofOf(
  { checksum }: { readonly checksum: Checksum },
  bytes: Uint8Array,
): { readonly ChecksumCRC32?: string } {
  return checksum === 'none' ? {} : { ChecksumCRC32: base64Crc32(crc32(bytes)) }
}

/** What S3 answers about the checksum of an object. */
export interface ToldChecksum {
  readonly ChecksumCRC32?: string | undefined
  readonly ChecksumType?: string | undefined
}

/**
 * The store's word for an object, when it keeps a checksum of the whole. A composite one is of the parts' checksums,
 * and says nothing about the bytes to whoever does not know the parts.
 */
export function vouchedBy(told: ToldChecksum): ObjectHash | undefined {
  if (told.ChecksumCRC32 === undefined || told.ChecksumType === 'COMPOSITE') return undefined
  const bytes = Buffer.from(told.ChecksumCRC32, 'base64')
  return bytes.byteLength === 4
    ? { algorithm: 'crc32', value: bytes.toString('hex'), origin: 'store' }
    : undefined
}
