import { Crc32c, crc32cBase64, type ObjectHash } from '@holdfast/core'

/** CRC32C as Cloud Storage writes it: big-endian, in base64 (Cloud Storage documentation, "Data validation"). */
export function base64Crc32c(bytes: Uint8Array): string {
  return crc32cBase64(new Crc32c().update(bytes).value)
}

/** The store's word for an object. Every object has one, unless a customer's own key keeps it from being told. */
export function vouchedBy(crc32c: number | undefined): ObjectHash | undefined {
  return crc32c === undefined
    ? undefined
    : { algorithm: 'crc32c', value: crc32c.toString(16).padStart(8, '0'), origin: 'store' }
}
