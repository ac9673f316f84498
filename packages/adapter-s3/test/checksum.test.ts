import { expect, test } from 'vitest'
import { storeDigestOf } from '../src/checksum.ts'

test.each([
  ['a checksum of the whole object', { ChecksumCRC32: 'AAECAw==' }, '00010203'],
  ['the checksum of an upload in parts', { ChecksumCRC32: 'AAECAw==', ChecksumType: 'COMPOSITE' }, undefined],
  ['the checksum of an upload in parts without a type', { ChecksumCRC32: 'AAECAw==-2' }, undefined],
  ['no checksum', {}, undefined],
])('reads the digest of an object from %s', (_, told, expected) => {
  expect(storeDigestOf(told)?.value).toBe(expected)
})
