/** One way to do a piece of work: that of Holdfast, of a peer, or a limit of the machine. */
export interface Contender {
  readonly name: string
  /** Prepares one round. Not measured. */
  readonly prepare?: () => Promise<void>
  /** Does the work. Returns the value of the round, or `undefined` to use the elapsed milliseconds. */
  readonly run: () => Promise<number | undefined>
  /** Throws unless the result of the work has the right bytes. Not measured. */
  readonly verify: () => Promise<void>
  /** Whether this contender may fail. The others then continue, and the report states the error. */
  readonly mayFail?: boolean
}

/** What a work answers in the table at the start of the report. Its comparisons with a role are shown there. */
export interface Headline {
  readonly question: Question
  readonly kind: 'disk' | 'object store' | 'command line'
  /** The name of the store in the table. */
  readonly place: string
}

/**
 * What a comparison contributes to the first table and to the README. `time` compares times, with the fastest peer or with the
 * machine. The others compare processor times: with peers that compute a digest, or with a peer that may compute none.
 */
export type Role = 'time' | 'digest peer' | 'other peer'

export type Question =
  | 'Save a large file'
  | 'Restore a large file'
  | 'Save many small files'
  | 'Restore many small files'
  | 'Save a small checkpoint'

export type Unit = 'ms' | 'us' | 'bytes' | 'requests' | 'percent'

/** Compares one contender with others, round by round. */
export interface Comparison {
  /** Describes `against` in the report. */
  readonly text: string
  readonly role?: Role
  /** The name of the contender. */
  readonly of: string
  /** The contenders to compare with: the slowest or the fastest of them by median, or the sum of all. */
  readonly against: { readonly which: 'slowest' | 'fastest' | 'sum'; readonly names: readonly string[] }
  /** What is compared: the values, or the processor time of the client. Default: `time`. */
  readonly measured?: 'time' | 'processor'
  /** The goal for the ratio. Without a goal, the report shows the ratio only. */
  readonly atMost?: number
}

/** An upper limit for the value of one contender. */
export interface Bound {
  readonly text: string
  readonly of: string
  readonly limit: number
}

/** A piece of work that contenders do one after another, on the same bytes. */
export interface Work {
  readonly name: string
  /** The unit of the measured values. Default: milliseconds. */
  readonly unit?: Unit
  /** Number of bytes that each run transfers. The report computes the throughput from it. */
  readonly bytes?: number
  /** Number of rounds. Default: `rounds` of the scale. */
  readonly rounds?: number
  readonly headline?: Headline
  readonly contenders: readonly Contender[]
  readonly comparisons?: readonly Comparison[]
  readonly bounds?: readonly Bound[]
}

export interface ContenderResult {
  readonly name: string
  /** The value of each round. `null` is a round that failed, or in which the contender took no part. */
  readonly values: readonly (number | null)[]
  readonly median: number
  readonly best: number
  /** Half of the distance between the quartiles, as a share of the median. */
  readonly spread: number
  /** Milliseconds of processor time of each round, user and system, of the client and the programs that it runs. */
  readonly processor?: readonly (number | null)[]
  /** Number of rounds whose bytes were verified. */
  readonly verified: number
  /** Why the contender has no result. */
  readonly failure?: string
  /** Why one round failed, although the contender has a result. */
  readonly failedRound?: string
}

export interface Verdict {
  readonly text: string
  readonly role?: Role
  readonly of: string
  /** A ratio, or the value that a bound limits. */
  readonly value: number
  readonly atMost?: number
  /** The contenders of the comparison. Absent for a bound. */
  readonly than?: string
  readonly kind: 'ratio' | 'bound'
  readonly measured?: 'processor'
}

export interface WorkResult {
  readonly name: string
  readonly unit: Unit
  readonly bytes?: number
  readonly rounds: number
  /** Number of rounds that were planned. The time of the group may end earlier. */
  readonly planned: number
  readonly headline?: Headline
  readonly contenders: readonly ContenderResult[]
  readonly verdicts: readonly Verdict[]
}
