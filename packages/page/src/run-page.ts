/** Everything that the page of one run shows, as JSON. Times are milliseconds since 1970, sizes are bytes. */
export interface RunPage {
  /** The last part of the URL. */
  readonly name: string
  /** Without secrets. */
  readonly url: string
  /** When the store was read. */
  readonly readAt: number
  /** In the order of their steps. */
  readonly checkpoints: readonly PageCheckpoint[]
  readonly quarantined: readonly PageQuarantined[]
  readonly metrics: PageMetrics
  /** Whether a retention is in force. Then a checkpoint without a reason is dropped by the next save. */
  readonly hasRetention: boolean
  /** Free space of the store; absent if it has no limit. */
  readonly free?: { readonly available: number; readonly total: number }
}

export interface PageCheckpoint {
  readonly step: number
  readonly epoch?: number
  readonly files: number
  readonly bytes: number
  readonly savedAt: number
  /** The reasons for which it is kept. */
  readonly kept?: readonly string[]
  /** The objectives of which it is the best. */
  readonly bestOf?: readonly string[]
  readonly tags?: readonly string[]
  readonly pinned?: true
}

export interface PageQuarantined {
  readonly step: number
  readonly reason: string
  readonly at: number
}

/** The metrics of every step that ever had any. */
export interface PageMetrics {
  /** In ascending order. */
  readonly steps: readonly number[]
  readonly metrics: readonly PageSeries[]
  /** The values of the objectives: smoothed metrics and weighted sums. */
  readonly objectives: readonly PageSeries[]
}

export interface PageSeries {
  readonly name: string
  /** One value for each step, rounded to 7 digits; null if the step has none, or one that is not finite. */
  readonly values: readonly (number | null)[]
  /** How many values are not finite. */
  readonly notFinite: number
}
