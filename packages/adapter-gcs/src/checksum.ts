import { Crc32c, type ObjectHash } from '@holdfast/core/backend'

export function crc32cOf(bytes: Uint8Array): number {
  return new Crc32c().update(bytes).value
}

/**
 * Returns the checksum that the store keeps. The store may omit it for objects that are encrypted with a customer's
 * key: https://cloud.google.com/storage/docs/encryption/customer-supplied-keys.
 */
export function storeDigestOf(crc32c: number | undefined): ObjectHash | undefined {
  return crc32c === undefined
    ? undefined
    : { algorithm: 'crc32c', value: crc32c.toString(16).padStart(8, '0'), origin: 'store' }
}
