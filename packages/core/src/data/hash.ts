/**
 * Scrambles 32 bits: a bijection of the whole numbers from 0 to below 2^32 in which every bit of the input decides
 * about half the bits of the output (Chris Wellons' `lowbias32`).
 */
export function mix(word: number): number {
  let mixed = word ^ (word >>> 16)
  mixed = Math.imul(mixed, 0x7feb352d)
  mixed ^= mixed >>> 15
  mixed = Math.imul(mixed, 0x846ca68b)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

/**
 * What a hash is for: each use takes numbers of its own, so that no two uses share one. `docs/data.md` lists them;
 * to change one is to change every order that was ever saved.
 */
export const purposes = { permutation: 0, draw: 16, sample: 32, random: 48 } as const

/** 32 bits that depend on every bit of some safe integers, and differ for each purpose. */
export function hash(purpose: number, ...numbers: readonly number[]): number {
  let state = mix(Math.imul(purpose + 1, 0x9e3779b9))
  for (const number of numbers) {
    state = mix(state ^ (number >>> 0))
    state = mix(state ^ Math.floor(number / 2 ** 32))
  }
  return state
}

/** From 0 to below 1, of 64 random bits: a multiple of 2^-53. */
export function fraction(high: number, low: number): number {
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53
}
