/** One way to do a piece of work: ours, a peer's, or a limit of the machine. */
export interface Contender {
  readonly name: string
  /** Makes ready for one round. Not measured. */
  readonly prepare?: () => Promise<void>
  /** Does the work. Gives the value of the round, where that is not the milliseconds it takes. */
  readonly run: () => Promise<number | undefined>
  /** Throws unless what the work made holds the right bytes. Not measured. */
  readonly verify: () => Promise<void>
  /** Whether the others go on without it when it fails; the report says why it did. */
  readonly mayFail?: boolean
}

export type Unit = 'ms' | 'us' | 'bytes' | 'requests'

/** What one contender is held against, round by round. */
export interface Comparison {
  /** In words: what `against` is. */
  readonly text: string
  readonly of: string
  /** The one of these with the largest or the smallest median, or all of them together. */
  readonly against: { readonly which: 'slowest' | 'fastest' | 'sum'; readonly names: readonly string[] }
  /** The ratio that is to be kept. Without one it is told, and not judged. */
  readonly atMost?: number
}

/** A value that one contender is not to exceed. */
export interface Bound {
  readonly text: string
  readonly of: string
  readonly limit: number
}

/** Contenders that do the same work on the same bytes, in turns. */
export interface Work {
  readonly name: string
  /** Default: milliseconds. */
  readonly unit?: Unit
  /** Moved by each run, for the throughput. */
  readonly bytes?: number
  /** Default: that of the scale. */
  readonly rounds?: number
  readonly contenders: readonly Contender[]
  readonly comparisons?: readonly Comparison[]
  readonly bounds?: readonly Bound[]
}

export interface ContenderResult {
  readonly name: string
  readonly values: readonly number[]
  readonly median: number
  readonly best: number
  /** Half of the distance between the quartiles, as a share of the median. */
  readonly spread: number
  /** Times that its bytes were proved. */
  readonly verified: number
  readonly failure?: string
}

export interface Verdict {
  readonly text: string
  readonly of: string
  /** A ratio, or for a bound the value. */
  readonly value: number
  readonly atMost?: number
  readonly kind: 'ratio' | 'bound'
}

export interface WorkResult {
  readonly name: string
  readonly unit: Unit
  readonly bytes?: number
  readonly rounds: number
  readonly contenders: readonly ContenderResult[]
  readonly verdicts: readonly Verdict[]
}
