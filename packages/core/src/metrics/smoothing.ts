import { placeIn } from './sorted.ts'

/**
 * How a noisy metric is smoothed before it is compared. `average` and `median` are of the last so many values;
 * `exponential` is the weight of the newest value, from above 0 to 1, with bias correction (as in Adam), so that the
 * first values are not drawn towards zero.
 */
export type Smoothing =
  | { readonly average: number }
  | { readonly median: number }
  | { readonly exponential: number }

/** All that smoothing must remember, as plain JSON. */
export interface SmoothingState {
  /** The last values, the oldest first: of `average` and `median`. */
  readonly window: readonly number[]
  /** Of `exponential`: the weighted sum of all values, and the weights' own sum. */
  readonly sum: number
  readonly weight: number
}

export const smoothingStart: SmoothingState = { window: [], sum: 0, weight: 0 }

/** The state after one more finite value. */
export function smoothOn(
  smoothing: Smoothing | undefined,
  state: SmoothingState,
  value: number,
): SmoothingState {
  if (smoothing === undefined) return { ...state, window: [value] }
  if ('exponential' in smoothing) {
    const share = smoothing.exponential
    return { ...state, sum: blend(state.sum, value, share), weight: blend(state.weight, 1, share) }
  }
  const length = 'average' in smoothing ? smoothing.average : smoothing.median
  return { ...state, window: [...state.window, value].slice(-length) }
}

/** The smoothed value, of a state that has seen one at least. */
export function smoothedValue(
  smoothing: Smoothing | undefined,
  { window, sum, weight }: SmoothingState,
): number {
  if (smoothing === undefined) return window[0] ?? Number.NaN
  if ('exponential' in smoothing) return sum / weight
  if ('average' in smoothing) return mean(window, 0, window.length)
  return middle(window.toSorted((one, other) => one - other))
}

/**
 * Every value of a series smoothed, from its start: exactly what `smoothOn` and `smoothedValue` make of one
 * after another, without a state for each.
 */
export function smoothSeries(smoothing: Smoothing | undefined, values: Float64Array): Float64Array {
  if (smoothing === undefined) return values
  if ('exponential' in smoothing) return exponentials(values, smoothing.exponential)
  return 'average' in smoothing ? averages(values, smoothing.average) : medians(values, smoothing.median)
}

function exponentials(values: Float64Array, share: number): Float64Array {
  let { sum, weight } = smoothingStart
  return values.map((value) => {
    sum = blend(sum, value, share)
    weight = blend(weight, 1, share)
    return sum / weight
  })
}

/** Each summed anew: a sum that is carried along, with values added and taken away, would drift. */
function averages(values: Float64Array, length: number): Float64Array {
  return values.map((_, index) => mean(values, Math.max(0, index + 1 - length), index + 1))
}

/** By a window that stays sorted while values enter and leave it. */
function medians(values: Float64Array, length: number): Float64Array {
  const sorted: number[] = []
  return values.map((value, index) => {
    const leaving = values[index - length]
    if (leaving !== undefined) sorted.splice(placeIn(sorted, leaving), 1)
    sorted.splice(placeIn(sorted, value), 0, value)
    return middle(sorted)
  })
}

function blend(before: number, value: number, share: number): number {
  return (1 - share) * before + share * value
}

/** Of the values from one index up to another, added in their order. */
function mean(values: ArrayLike<number>, from: number, to: number): number {
  let sum = 0
  for (let index = from; index < to; index += 1) sum += values[index] ?? Number.NaN
  return sum / (to - from)
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
