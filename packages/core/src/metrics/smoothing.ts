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
    return {
      ...state,
      sum: (1 - share) * state.sum + share * value,
      weight: (1 - share) * state.weight + share,
    }
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
  if ('average' in smoothing) return window.reduce((total, value) => total + value, 0) / window.length
  const sorted = window.toSorted((one, other) => one - other)
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2
}

/** In few words: `average 3`. */
export function describeSmoothing(smoothing: Smoothing): string {
  return Object.entries(smoothing)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(' ')
}
