import { hash, mix, purposes } from './hash.ts'
import { assertWhole } from './whole.ts'

const rounds = 8

/** Fewer bits do not shuffle evenly: two halves of a bit or two can take too few shapes. */
const leastBits = 8

/**
 * The whole numbers from 0 to below `size`, in an order that a seed and an epoch decide. It holds no table: building
 * it and asking for any position takes the same small time whatever the size.
 *
 * A Feistel network permutes the numbers of just enough bits; whoever lands outside `size` walks on until inside.
 * `docs/data.md` specifies it to the bit, with test vectors. It is for shuffling, not for secrets.
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

  /** Throws `INVALID_ARGUMENT` unless `size` is from 1 to 2^53 - 1, and `seed` and `epoch` from 0. */
  constructor(size: number, seed: number, epoch: number) {
    assertWhole('The size', size, 1)
    assertWhole('The seed', seed, 0)
    assertWhole('The epoch', epoch, 0)
    const bits = Math.max(leastBits, bitsOf(size - 1))
    const lowBits = Math.ceil(bits / 2)
    this.size = size
    this.#lowSize = 2 ** lowBits
    this.#lowMask = 2 ** lowBits - 1
    this.#highMask = 2 ** (bits - lowBits) - 1
    this.#keys = Array.from({ length: rounds }, (_, round) => hash(purposes.permutation + round, seed, epoch))
  }

  /** The number at a position, both from 0 to below `size`. Throws `INVALID_ARGUMENT` for any other position. */
  at(position: number): number {
    assertWhole('A position', position, 0, this.size - 1)
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

/** How many bits the number needs: 0 for 0, 3 for 5. */
function bitsOf(number: number): number {
  return number < 2 ** 32 ? 32 - Math.clz32(number) : 32 + (32 - Math.clz32(Math.floor(number / 2 ** 32)))
}
