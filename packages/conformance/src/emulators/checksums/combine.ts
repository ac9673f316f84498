/** A CRC as the catalogue of parametrised CRC algorithms describes it, lowest power first, complemented in and out. */
export interface CrcParameters {
  readonly width: number
  readonly polynomial: bigint
}

/** The CRC of two pieces put together, from those of the pieces. */
export function combineCrc(
  parameters: CrcParameters,
  first: bigint,
  second: bigint,
  secondBytes: number,
): bigint {
  return product(parameters, zeros(parameters, secondBytes), first) ^ second
}

/** Parts are of few different lengths. */
const known = new Map<string, bigint>()

/** What so many bytes of zeros multiply by: x to the power of eight times as many. */
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

/** The product of two polynomials over GF(2), modulo that of the CRC. */
function product({ width, polynomial }: CrcParameters, one: bigint, other: bigint): bigint {
  let sum = 0n
  let shifted = other
  for (let bit = BigInt(width - 1); bit >= 0n; bit -= 1n) {
    if ((one >> bit) & 1n) sum ^= shifted
    shifted = shifted & 1n ? (shifted >> 1n) ^ polynomial : shifted >> 1n
  }
  return sum
}
