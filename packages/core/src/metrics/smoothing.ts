import { insertionIndex } from './sorted.ts'

/**
 * How a noisy metric is smoothed before values are compared. `average` and `median` use this number of the latest
 * values. `exponential` is the weight of the newest value, above 0 and at most 1. It uses bias correction as in Adam,
 * so the first values are not drawn towards zero.
 */
export type Smoothing =
  | { readonly average: number }
  | { readonly median: number }
  | { readonly exponential: number }

/** The weighted sum of all values so far, and the sum of their weights. */
export interface Weighted {
  readonly sum: number
  readonly weight: number
}

/** Smooths values one after another. The result depends only on the values. */
export class Smoother {
  readonly #smoothing: Smoothing | undefined
  /** For `average` and `median`: the latest values, oldest first. */
  readonly #window: number[] = []
  /** For `median`: the same values, sorted. */
  readonly #sorted: number[] = []
  /** For `exponential`: the weighted sum of all values, and the sum of their weights. */
  #sum = 0
  #weight = 0

  constructor(smoothing: Smoothing | undefined) {
    this.#smoothing = smoothing
  }

  /**
   * Returns a smoother that continues after these values, oldest first. `weighted` is its state after the last value.
   */
  static resumed(
    smoothing: Smoothing | undefined,
    values: readonly number[],
    weighted: Weighted = { sum: 0, weight: 0 },
  ): Smoother {
    const smoother = new Smoother(smoothing)
    if (smoothing === undefined) return smoother
    if ('exponential' in smoothing) {
      smoother.#sum = weighted.sum
      smoother.#weight = weighted.weight
      return smoother
    }
    const length = 'average' in smoothing ? smoothing.average : smoothing.median
    for (const value of values.slice(-length)) smoother.next(value)
    return smoother
  }

  /** For `exponential`: the state after all values so far. The other kinds need only the latest values. */
  get weighted(): Weighted {
    return { sum: this.#sum, weight: this.#weight }
  }

  /** Returns the smoothed value of the next finite value. */
  next(value: number): number {
    if (this.#smoothing === undefined) return value
    if ('exponential' in this.#smoothing) return this.#exponential(value, this.#smoothing.exponential)
    if ('average' in this.#smoothing) return this.#average(value, this.#smoothing.average)
    return this.#median(value, this.#smoothing.median)
  }

  #exponential(value: number, share: number): number {
    this.#sum = (1 - share) * this.#sum + share * value
    this.#weight = (1 - share) * this.#weight + share
    return this.#sum / this.#weight
  }

  /** Computes the sum again for each value. A running sum would accumulate rounding errors. */
  #average(value: number, length: number): number {
    this.#enter(value, length)
    return this.#window.reduce((sum, each) => sum + each, 0) / this.#window.length
  }

  /** Computes the median from a window that stays sorted. */
  #median(value: number, length: number): number {
    const leaving = this.#enter(value, length)
    if (leaving !== undefined) this.#sorted.splice(insertionIndex(this.#sorted, leaving), 1)
    this.#sorted.splice(insertionIndex(this.#sorted, value), 0, value)
    return middle(this.#sorted)
  }

  /** Replaces the value that leaves the window by the new one. */
  #enter(value: number, length: number): number | undefined {
    this.#window.push(value)
    return this.#window.length > length ? this.#window.shift() : undefined
  }
}

/** For an even number of values, the mean of the two middle values. */
function middle(sorted: readonly number[]): number {
  const place = (sorted.length - 1) / 2
  return ((sorted[Math.floor(place)] ?? Number.NaN) + (sorted[Math.ceil(place)] ?? Number.NaN)) / 2
}
