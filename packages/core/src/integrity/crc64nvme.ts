/**
 * The polynomial of the "64b CRC" of the NVM Express NVM Command Set Specification. Its lowest power is in the highest
 * bit. The initial value and the result are complemented.
 */
const polynomial = 0x9a6c9329ac4bc9b5n

/** The tables are built with the first checksum, because most processes compute none. */
let tables: RemainderTables | undefined

/** The two halves of each table entry. Table `k` has the remainder of each byte after `k` zero bytes. */
class RemainderTables {
  readonly low = new Int32Array(8 * 256)
  readonly high = new Int32Array(8 * 256)

  constructor() {
    for (let index = 0; index < this.low.length; index += 1) {
      const remainder =
        index < 256 ? eightBits(BigInt(index)) : this.#followedByZero(this.#entry(index - 256))
      this.low[index] = Number(remainder & 0xffffffffn)
      this.high[index] = Number(remainder >> 32n)
    }
  }

  #followedByZero(remainder: bigint): bigint {
    return this.#entry(Number(remainder & 0xffn)) ^ (remainder >> 8n)
  }

  #entry(index: number): bigint {
    const [low, high] = [this.low[index] ?? 0, this.high[index] ?? 0]
    return (BigInt.asUintN(32, BigInt(high)) << 32n) | BigInt.asUintN(32, BigInt(low))
  }
}

function eightBits(byte: bigint): bigint {
  let remainder = byte
  for (let bit = 0; bit < 8; bit += 1)
    remainder = remainder & 1n ? (remainder >> 1n) ^ polynomial : remainder >> 1n
  return remainder
}

/**
 * An incremental CRC-64/NVME. S3 computes this checksum for every object that is uploaded without one:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html.
 */
export class Crc64Nvme {
  #low = -1
  #high = -1

  get value(): bigint {
    return (BigInt(~this.#high >>> 0) << 32n) | BigInt(~this.#low >>> 0)
  }

  /** Processes eight bytes at a time, in two halves of 32 bits, because `bigint` would be slow. */
  update(bytes: Uint8Array): this {
    const { low, high } = (tables ??= new RemainderTables())
    const { byteLength } = bytes
    let lower = this.#low
    let upper = this.#high
    let index = 0
    for (const end = byteLength - (byteLength % 8); index < end; index += 8) {
      lower ^= bytes[index] ?? 0
      lower ^= (bytes[index + 1] ?? 0) << 8
      lower ^= (bytes[index + 2] ?? 0) << 16
      lower ^= (bytes[index + 3] ?? 0) << 24
      upper ^= bytes[index + 4] ?? 0
      upper ^= (bytes[index + 5] ?? 0) << 8
      upper ^= (bytes[index + 6] ?? 0) << 16
      upper ^= (bytes[index + 7] ?? 0) << 24
      const a = 1792 + (lower & 0xff)
      const b = 1536 + ((lower >>> 8) & 0xff)
      const c = 1280 + ((lower >>> 16) & 0xff)
      const d = 1024 + (lower >>> 24)
      const e = 768 + (upper & 0xff)
      const f = 512 + ((upper >>> 8) & 0xff)
      const g = 256 + ((upper >>> 16) & 0xff)
      const h = upper >>> 24
      lower = (low[a] ?? 0) ^ (low[b] ?? 0) ^ (low[c] ?? 0) ^ (low[d] ?? 0)
      lower ^= (low[e] ?? 0) ^ (low[f] ?? 0) ^ (low[g] ?? 0) ^ (low[h] ?? 0)
      upper = (high[a] ?? 0) ^ (high[b] ?? 0) ^ (high[c] ?? 0) ^ (high[d] ?? 0)
      upper ^= (high[e] ?? 0) ^ (high[f] ?? 0) ^ (high[g] ?? 0) ^ (high[h] ?? 0)
    }
    for (; index < byteLength; index += 1) {
      const byte = (lower ^ (bytes[index] ?? 0)) & 0xff
      lower = (low[byte] ?? 0) ^ ((lower >>> 8) | (upper << 24))
      upper = (high[byte] ?? 0) ^ (upper >>> 8)
    }
    this.#low = lower
    this.#high = upper
    return this
  }
}

/** Returns the CRC-64/NVME of two concatenated pieces. `secondBytes` is the size of the second piece in bytes. */
export function combineCrc64Nvme(first: bigint, second: bigint, secondBytes: number): bigint {
  return product(zeros(secondBytes), first) ^ second
}

/** Caches the results of `zeros`: the parts of an upload have few different lengths. */
const powers = new Map<number, bigint>()

/** Returns x^(8 * bytes): appending this number of zero bytes multiplies the remainder by it. */
function zeros(bytes: number): bigint {
  const before = powers.get(bytes)
  if (before !== undefined) return before
  let power = 1n << 63n
  let factor = 1n << 55n
  for (let left = bytes; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) power = product(power, factor)
    factor = product(factor, factor)
  }
  powers.set(bytes, power)
  return power
}

/** Returns the product of two polynomials over GF(2), modulo the polynomial of the CRC. */
function product(one: bigint, other: bigint): bigint {
  let sum = 0n
  let shifted = other
  for (let bit = 63n; bit >= 0n; bit -= 1n) {
    if ((one >> bit) & 1n) sum ^= shifted
    shifted = shifted & 1n ? (shifted >> 1n) ^ polynomial : shifted >> 1n
  }
  return sum
}
