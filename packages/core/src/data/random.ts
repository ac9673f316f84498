import { HoldfastError } from '../errors.ts'
import { fraction, hash, purposes } from './hash.ts'
import { assertWhole } from './whole.ts'

/** Four whole numbers from 0 to below 2^32, not all zero. */
export type RandomState = readonly [number, number, number, number]

/**
 * A small seeded generator (xoshiro128** by Blackman and Vigna) whose state is plain JSON: what it draws after
 * `loadStateDict` is what it would have drawn after `stateDict`. For augmentation and dropout, not for secrets.
 *
 * @example
 * const random = new SeededRandom(42, step, rank) // each worker draws its own, each step anew
 * const flipped = random.next() < 0.5
 */
export class SeededRandom {
  #a = 1
  #b = 0
  #c = 0
  #d = 0

  /**
   * Any whole numbers from 0 to 2^53 - 1, such as a seed, a step and a rank: other numbers, another sequence.
   * Throws `INVALID_ARGUMENT` for what is none.
   */
  constructor(...seeds: readonly number[]) {
    for (const seed of seeds) assertWhole('A seed', seed, 0)
    this.loadStateDict(stateFrom(purposes.random, seeds))
  }

  /** A whole number from 0 to below 2^32. */
  uint32(): number {
    const drawn = Math.imul(rotated(Math.imul(this.#b, 5), 7), 9) >>> 0
    const shifted = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= shifted
    this.#d = rotated(this.#d, 11)
    return drawn
  }

  /** A fraction from 0 to below 1, with all its 53 bits. */
  next(): number {
    const high = this.uint32()
    return fraction(high, this.uint32())
  }

  /** A whole number from 0 to below `limit`, each as likely as the other. The limit is from 1 to 2^32. */
  below(limit: number): number {
    assertWhole('The limit', limit, 1, 2 ** 32)
    const fair = 2 ** 32 - (2 ** 32 % limit)
    for (;;) {
      const drawn = this.uint32()
      if (drawn < fair) return drawn % limit
    }
  }

  stateDict(): RandomState {
    return [this.#a >>> 0, this.#b >>> 0, this.#c >>> 0, this.#d >>> 0]
  }

  /** Throws `INVALID_ARGUMENT` for what no generator can be in. */
  loadStateDict(state: RandomState): void {
    const [a, b, c, d] = state
    for (const word of [a, b, c, d]) assertWhole('A word of a random state', word, 0, 2 ** 32 - 1)
    if ((a | b | c | d) === 0) {
      throw new HoldfastError('INVALID_ARGUMENT', 'Not all words of a random state can be zero.')
    }
    this.#a = a
    this.#b = b
    this.#c = c
    this.#d = d
  }
}

/** The generator of one delivered sample: the same whoever fetches it, and whatever is fetched before it. */
export function randomOfSample(seed: number, epoch: number, position: number): SeededRandom {
  const random = new SeededRandom()
  random.loadStateDict(stateFrom(purposes.sample, [seed, epoch, position]))
  return random
}

/** The lowest bit of the first word is set: the one state from which xoshiro never moves is all zero. */
function stateFrom(purpose: number, numbers: readonly number[]): RandomState {
  return [
    (hash(purpose, ...numbers) | 1) >>> 0,
    hash(purpose + 1, ...numbers),
    hash(purpose + 2, ...numbers),
    hash(purpose + 3, ...numbers),
  ]
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}
