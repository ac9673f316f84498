/** IEEE 802.3 and Castagnoli (RFC 3720, appendix B.4). The highest bit is the coefficient of the lowest power. */
const ieee = 0xedb88320
const castagnoli = 0x82f63b78

/**
 * Returns the CRC-32 of two concatenated pieces, computed from the CRC-32 of each piece and the size of the second
 * one in bytes. With it, parts can be read and summed in parallel and in any order, each byte once.
 */
export function combineCrc32(first: number, second: number, secondBytes: number): number {
  return combine(ieee, first, second, secondBytes)
}

/** Does the same as `combineCrc32` for CRC32C. */
export function combineCrc32c(first: number, second: number, secondBytes: number): number {
  return combine(castagnoli, first, second, secondBytes)
}

function combine(polynomial: number, first: number, second: number, secondBytes: number): number {
  let shift = one
  let factor = eighthPower
  for (let bytes = secondBytes; bytes > 0; bytes = Math.floor(bytes / 2)) {
    if (bytes % 2 === 1) shift = product(polynomial, shift, factor)
    factor = product(polynomial, factor, factor)
  }
  return (product(polynomial, shift, first) ^ second) >>> 0
}

/** Polynomials over GF(2), modulo that of the CRC, in its bit order: the highest bit is the coefficient of x^0. */
const one = 0x80000000
/** x^8: appending a zero byte multiplies the remainder by it. */
const eighthPower = 0x00800000

function product(polynomial: number, one: number, other: number): number {
  let sum = 0
  let shifted = other
  for (let bit = 31; bit >= 0; bit -= 1) {
    if ((one >>> bit) & 1) sum ^= shifted
    shifted = shifted & 1 ? (shifted >>> 1) ^ polynomial : shifted >>> 1
  }
  return sum
}
