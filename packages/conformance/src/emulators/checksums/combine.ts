/**
 * Parameters of a CRC, as in https://reveng.sourceforge.io/crc-catalogue/. The polynomial has its lowest power in the
 * highest bit. The initial value and the result are complemented.
 */
export interface CrcParameters {
  readonly width: number
  readonly polynomial: bigint
}

/** Returns the CRC of two concatenated pieces, computed from the CRCs of the pieces. */
export function combineCrc(
  parameters: CrcParameters,
  first: bigint,
  second: bigint,
  secondBytes: number,
): bigint {
  return product(parameters, zeros(parameters, secondBytes), first) ^ second
}

/** Caches the results of `zeros`: the parts of an upload have few different lengths. */
const known = new Map<string, bigint>()

/** Returns x^(8 * bytes): appending this number of zero bytes multiplies the remainder by it. */
function zeros(parameters: CrcParameters, bytes: number): bigint {
  const name = `${parameters.width}/${parameters.polynomial}/${bytes}`
  const before = known.get(name)
  if (before !== undefined) return before
  let power = 1n << BigInt(parameters.width - 1)
  let factor = 1n << BigInt(parameters.width - 9)
  for (let left = bytes; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) power = product(parameters, power, factor)
    factor = product(parameters, factor, factor)
  }
  known.set(name, power)
  return power
}

/** Returns the product of two polynomials over GF(2), modulo the polynomial of the CRC. */
function product({ width, polynomial }: CrcParameters, one: bigint, other: bigint): bigint {
  let sum = 0n
  let shifted = other
  for (let bit = BigInt(width - 1); bit >= 0n; bit -= 1n) {
    if ((one >> bit) & 1n) sum ^= shifted
    shifted = shifted & 1n ? (shifted >> 1n) ^ polynomial : shifted >> 1n
  }
  return sum
}
