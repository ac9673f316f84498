import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { combineCrc32, combineCrc32c, Crc32c, crc32cBase64, parseCrc32c } from '../../src/backend.ts'

const crc32c = (bytes: Uint8Array): number => new Crc32c().update(bytes).value

/** Computes the CRC32C one bit at a time, by the definition of the polynomial. */
function bitByBit(bytes: Uint8Array): number {
  let remainder = 0xffffffff
  for (const byte of bytes) {
    remainder ^= byte
    for (let bit = 0; bit < 8; bit += 1)
      remainder = remainder & 1 ? (remainder >>> 1) ^ 0x82f63b78 : remainder >>> 1
  }
  return ~remainder >>> 0
}

// From RFC 3720, appendix B.4, and the check value in https://reveng.sourceforge.io/crc-catalogue/.
test.each([
  ['no bytes', Buffer.alloc(0), 0],
  ['123456789', Buffer.from('123456789'), 0xe3069283],
  ['32 bytes of zeros', Buffer.alloc(32), 0x8a9136aa],
  ['32 bytes of ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
  ['32 ascending bytes', Buffer.from(Array.from({ length: 32 }, (_, byte) => byte)), 0x46dd794e],
  ['32 descending bytes', Buffer.from(Array.from({ length: 32 }, (_, byte) => 31 - byte)), 0x113fdb5c],
])('computes the CRC32C of %s', (_, bytes, value) => {
  expect(crc32c(bytes)).toBe(value)
})

test('a CRC32C follows its definition for every length and however the bytes are cut', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, cut) => {
      const [first, rest] = [bytes.subarray(0, cut), bytes.subarray(cut)]
      expect(new Crc32c().update(first).update(rest).value).toBe(bitByBit(bytes))
      expect(new Crc32c(crc32c(first)).update(rest).value).toBe(bitByBit(bytes))
    }),
  )
})

test('the checksums of two pieces combine to the checksum of the whole', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, cut) => {
      const [first, rest] = [bytes.subarray(0, cut), bytes.subarray(cut)]
      expect(combineCrc32c(crc32c(first), crc32c(rest), rest.byteLength)).toBe(crc32c(bytes))
      expect(combineCrc32(crc32(first), crc32(rest), rest.byteLength)).toBe(crc32(bytes))
    }),
  )
})

test('combines pieces of any length, such as two halves of 2 ** 40 zeros', () => {
  let zeros = crc32c(Buffer.alloc(1))
  let twice = zeros
  for (let power = 0; power < 40; power += 1) {
    zeros = twice
    twice = combineCrc32c(zeros, zeros, 2 ** power)
  }
  const inThirds = [2 ** 38, 2 ** 39, 2 ** 38].map(zerosOf)
  const joined = combineCrc32c(
    combineCrc32c(inThirds[0] ?? 0, inThirds[1] ?? 0, 2 ** 39),
    inThirds[2] ?? 0,
    2 ** 38,
  )
  expect(joined).toBe(twice)
})

function zerosOf(length: number): number {
  let crc = crc32c(Buffer.alloc(1))
  for (let bytes = 1; bytes < length; bytes *= 2) crc = combineCrc32c(crc, crc, bytes)
  return crc
}

test('writes and parses a checksum as base64, highest byte first', () => {
  expect(crc32cBase64(0xe3069283)).toBe('4waSgw==')
  expect(crc32cBase64(0)).toBe('AAAAAA==')
  expect(parseCrc32c('4waSgw==')).toBe(0xe3069283)
})

test.each(['', '4waSgw', '4waSgw==x', 'AAAA', '!waSgw=='])('does not parse %j as a CRC32C', (text) => {
  expect(parseCrc32c(text)).toBeUndefined()
})
