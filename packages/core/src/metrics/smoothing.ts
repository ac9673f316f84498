import { insertionIndex } from './sorted.ts'

/**
 * How a noisy metric is smoothed before it is compared. `average` and `median` are of the last so many values;
 * `exponential` is the weight of the newest value, from above 0 to 1, with bias correction (as in Adam), so that the
 * first values are not drawn towards zero.
 */
export type Smoothing =
  | { readonly average: number }
  | { readonly median: number }
  | { readonly exponential: number }

/** The weighted sum of all values so far, and the sum of the weights. */
export interface Weighted {
  readonly sum: number
  readonly weight: number
}

/** Smooths one value after another, in their order. What it goes by is the values alone. */
export class Smoother {
  readonly #smoothing: Smoothing | undefined
  /** The last values, the oldest first: of `average` and `median`. */
  readonly #window: number[] = []
  /** The same in the order of their size: of `median`. */
  readonly #sorted: number[] = []
  /** Of `exponential`: the weighted sum of all values, and the weights' own sum. */
  #sum = 0
  #weight = 0

  constructor(smoothing: Smoothing | undefined) {
    this.#smoothing = smoothing
  }

  /** A smoother that continues after these values, the oldest first. `weighted` is its state after the last of them. */
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

  /** Of `exponential`: what all values before have left. The other kinds go by the latest values alone. */
  get weighted(): Weighted {
    return { sum: this.#sum, weight: this.#weight }
  }

  /** What a finite value is after those before it. */
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

  /** Summed anew each time: a sum that is carried along, with values added and taken away, would drift. */
  #average(value: number, length: number): number {
    this.#enter(value, length)
    return this.#window.reduce((sum, each) => sum + each, 0) / this.#window.length
  }

  /** By a window that stays sorted while values enter and leave it. */
  #median(value: number, length: number): number {
    const leaving = this.#enter(value, length)
    if (leaving !== undefined) this.#sorted.splice(insertionIndex(this.#sorted, leaving), 1)
    this.#sorted.splice(insertionIndex(this.#sorted, value), 0, value)
    return middle(this.#sorted)
  }

  /** Gives the value that leaves the window for this one. */
  #enter(value: number, length: number): number | undefined {
    this.#window.push(value)
    return this.#window.length > length ? this.#window.shift() : undefined
  }
}

/** Of an even number of values, the mean of the two in the middle. */
function middle(sorted: readonly number[]): number {
  const place = (sorted.length - 1) / 2
  return ((sorted[Math.floor(place)] ?? Number.NaN) + (sorted[Math.ceil(place)] ?? Number.NaN)) / 2
}

/** In few words: `average 3`. */
export function describeSmoothing(smoothing: Smoothing): string {
  return Object.entries(smoothing)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(' ')
}
