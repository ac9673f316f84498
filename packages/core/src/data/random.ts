import { HoldfastError } from '../errors.ts'
import { fraction, hash, purposes } from './hash.ts'
import { assertWhole } from './whole.ts'

/** The state of a generator: four integers from 0 to 2^32 - 1, not all 0. */
export type RandomState = readonly [number, number, number, number]

/**
 * A seeded random generator whose state is plain JSON: xoshiro128** 1.1 by Blackman and Vigna
 * (https://prng.di.unimi.it). After `loadStateDict` it draws what it would have drawn after the matching `stateDict`.
 * Use it for augmentation and dropout. It is not suitable for cryptography.
 *
 * @example
 * const random = new SeededRandom(42, step, rank) // differs between ranks and steps
 * const flipped = random.next() < 0.5
 */
export class SeededRandom {
  #a = 1
  #b = 0
  #c = 0
  #d = 0

  /**
   * Seeds the generator with any number of integers from 0 to 2^53 - 1, such as a seed, a step and a rank. Different
   * seeds give different sequences. Throws `INVALID_ARGUMENT` for any other value.
   */
  constructor(...seeds: readonly number[]) {
    for (const seed of seeds) assertWhole('A seed', seed, 0)
    this.loadStateDict(stateFrom(purposes.random, seeds))
  }

  /** Draws an integer from 0 to 2^32 - 1. */
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

  /** Draws a fraction of at least 0 and below 1, with 53 random bits. It takes two draws of `uint32`. */
  next(): number {
    const high = this.uint32()
    return fraction(high, this.uint32())
  }

  /**
   * Draws an integer from 0 to `limit - 1`, all equally likely. Throws `INVALID_ARGUMENT` unless `limit` is from 1 to
   * 2^32.
   */
  below(limit: number): number {
    assertWhole('limit', limit, 1, 2 ** 32)
    const fair = 2 ** 32 - (2 ** 32 % limit)
    for (;;) {
      const drawn = this.uint32()
      if (drawn < fair) return drawn % limit
    }
  }

  /** Returns the state as plain JSON. */
  stateDict(): RandomState {
    return [this.#a >>> 0, this.#b >>> 0, this.#c >>> 0, this.#d >>> 0]
  }

  /** Sets the state. Throws `INVALID_ARGUMENT` unless it is four integers from 0 to 2^32 - 1, not all 0. */
  loadStateDict(state: RandomState): void {
    const [a, b, c, d] = state
    for (const word of [a, b, c, d]) assertWhole('A word of a random state', word, 0, 2 ** 32 - 1)
    if ((a | b | c | d) === 0) {
      throw new HoldfastError(
        'INVALID_ARGUMENT',
        'A random state must have a word other than 0. Pass what stateDict() returned.',
      )
    }
    this.#a = a
    this.#b = b
    this.#c = c
    this.#d = d
  }
}

/** Returns the generator of the sample at a position. It does not depend on who fetches the sample, or when. */
export function randomOfSample(seed: number, epoch: number, position: number): SeededRandom {
  const random = new SeededRandom()
  random.loadStateDict(stateFrom(purposes.sample, [seed, epoch, position]))
  return random
}

/** Sets the lowest bit of the first word, because xoshiro never leaves the state in which all words are 0. */
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
