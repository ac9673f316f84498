/**
 * Scrambles 32 bits: a bijection of the integers from 0 to 2^32 - 1. Flipping one input bit flips about half of the
 * output bits. This is `lowbias32` by Chris Wellons (https://nullprogram.com/blog/2018/07/31/).
 */
export function mix(word: number): number {
  let mixed = word ^ (word >>> 16)
  mixed = Math.imul(mixed, 0x7feb352d)
  mixed ^= mixed >>> 15
  mixed = Math.imul(mixed, 0x846ca68b)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

/**
 * The first purpose number of each use of `hash`. Every use has its own numbers, so that no two uses share a hash.
 * `docs/data.md` lists them. Changing one changes the order behind every saved position.
 */
export const purposes = { permutation: 0, draw: 16, sample: 32, random: 48 } as const

/** Returns 32 bits that depend on the purpose and on every bit of the numbers (integers from 0 to 2^53 - 1). */
export function hash(purpose: number, ...numbers: readonly number[]): number {
  let state = mix(Math.imul(purpose + 1, 0x9e3779b9))
  for (const number of numbers) {
    state = mix(state ^ (number >>> 0))
    state = mix(state ^ Math.floor(number / 2 ** 32))
  }
  return state
}

/** Turns 64 random bits into a fraction of at least 0 and below 1: a multiple of 2^-53. */
export function fraction(high: number, low: number): number {
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53
}
