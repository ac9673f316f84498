/**
 * Returns how far counts deviate from equal counts, in standard deviations. It is Pearson's chi-square, transformed to
 * a normal variable by the cube root (Wilson and Hilferty). Equally likely counts exceed 4 once in thirty thousand.
 */
export function unevenness(counts: Iterable<number>, kinds: number, total: number): number {
  const expected = total / kinds
  let chiSquare = kinds * expected // counts the kinds that never occurred
  for (const count of counts) chiSquare += (count - expected) ** 2 / expected - expected
  const freedom = kinds - 1
  const spread = 2 / (9 * freedom)
  return (Math.cbrt(chiSquare / freedom) - (1 - spread)) / Math.sqrt(spread)
}

export class Tally<Key> {
  readonly #counts = new Map<Key, number>()
  #total = 0

  add(key: Key): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    this.#total += 1
  }

  unevennessOver(kinds: number): number {
    return unevenness(this.#counts.values(), kinds, this.#total)
  }
}

/** Returns the unevenness of the numbers at the worst position, and of the pairs at the worst pair of positions. */
export function unevennessOf(
  size: number,
  shuffles: Iterable<readonly number[]>,
): { readonly positions: number; readonly pairs: number } {
  const positions = Array.from({ length: size }, () => new Tally<number>())
  const pairs = new Map<number, Tally<number>>()
  for (const shuffle of shuffles) {
    shuffle.forEach((number, position) => {
      positions[position]?.add(number)
      for (let other = 0; other < position; other += 1) {
        const pair = position * size + other
        const tally = pairs.get(pair) ?? new Tally<number>()
        pairs.set(pair, tally)
        tally.add(number * size + (shuffle[other] ?? 0))
      }
    })
  }
  return {
    positions: Math.max(...positions.map((tally) => tally.unevennessOver(size))),
    pairs: Math.max(...[...pairs.values()].map((tally) => tally.unevennessOver(size * (size - 1)))),
  }
}
