import { Crc32c, type ObjectHash } from '@holdfast/core/backend'

export function crc32cOf(bytes: Uint8Array): number {
  return new Crc32c().update(bytes).value
}

/** The store's word for an object. Every object has one, unless a customer's own key keeps it from being told. */
export function storeDigestOf(crc32c: number | undefined): ObjectHash | undefined {
  return crc32c === undefined
    ? undefined
    : { algorithm: 'crc32c', value: crc32c.toString(16).padStart(8, '0'), origin: 'store' }
}
