import { hash, mix, purposes } from './hash.ts'
import { assertWhole } from './whole.ts'

const rounds = 8

/** Fewer bits do not shuffle evenly: a Feistel network with halves of one or two bits has too few permutations. */
const leastBits = 8

/**
 * A permutation of the integers from 0 to `size - 1` that depends on a seed and an epoch. It keeps no table, so
 * building it and reading any position takes constant time and memory for every size.
 *
 * A Feistel network permutes the integers below a power of two that is at least `size`, and is applied again until
 * the result is below `size` (cycle walking). `docs/data.md` specifies it exactly, with test vectors. It is not
 * suitable for cryptography.
 *
 * @example
 * const order = new Permutation(1_000_000_000, 42, 0)
 * const tenth = order.at(9)
 */
export class Permutation {
  readonly size: number
  readonly #keys: readonly number[]
  readonly #lowSize: number
  readonly #lowMask: number
  readonly #highMask: number

  /** Throws `INVALID_ARGUMENT` unless `size` is from 1 to 2^53 - 1, and `seed` and `epoch` are from 0 to 2^53 - 1. */
  constructor(size: number, seed: number, epoch: number) {
    assertWhole('size', size, 1)
    assertWhole('seed', seed, 0)
    assertWhole('epoch', epoch, 0)
    const bits = Math.max(leastBits, bitsOf(size - 1))
    const lowBits = Math.ceil(bits / 2)
    this.size = size
    this.#lowSize = 2 ** lowBits
    this.#lowMask = 2 ** lowBits - 1
    this.#highMask = 2 ** (bits - lowBits) - 1
    this.#keys = Array.from({ length: rounds }, (_, round) => hash(purposes.permutation + round, seed, epoch))
  }

  /** Returns the number at a position. Both are from 0 to `size - 1`; another position throws `INVALID_ARGUMENT`. */
  at(position: number): number {
    assertWhole('position', position, 0, this.size - 1)
    let number = position
    do number = this.#permute(number)
    while (number >= this.size)
    return number
  }

  #permute(number: number): number {
    let high = Math.floor(number / this.#lowSize)
    let low = number - high * this.#lowSize
    let isHighsTurn = true
    for (const key of this.#keys) {
      if (isHighsTurn) high ^= mix(low ^ key) & this.#highMask
      else low ^= mix(high ^ key) & this.#lowMask
      isHighsTurn = !isHighsTurn
    }
    return high * this.#lowSize + low
  }
}

/** Returns the length of a number in bits: 0 for 0, 3 for 5. */
function bitsOf(number: number): number {
  return number < 2 ** 32 ? 32 - Math.clz32(number) : 32 + (32 - Math.clz32(Math.floor(number / 2 ** 32)))
}
