import type { ReasonStatistics } from './statistics/statistics.ts'

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
  /** The checkpoints that rewinds abandoned, in the order of their saves. */
  readonly abandoned: readonly PageCheckpoint[]
  /** What the next save would drop. */
  readonly nextDrops: readonly PageDrop[]
  /** The latest commits, the oldest first. */
  readonly commits: readonly PageCommit[]
  /** The checkpoints that the ranks of a job are saving and have not committed. */
  readonly unfinished: readonly PageUnfinished[]
  /** Absent if the store has no mirror. */
  readonly mirror?: PageMirror
  readonly metrics: PageMetrics
  /** Whether a retention is in force. Then a checkpoint without a reason is dropped by the next save. */
  readonly hasRetention: boolean
  /** How many bytes each reason keeps, the most first. A checkpoint with several reasons counts for each of them. */
  readonly reasons: readonly ReasonStatistics[]
  /** By how many bytes the store grows in a day; absent if that cannot be estimated. */
  readonly bytesPerDay?: number
  /** Free space of the store; absent if it has no limit. */
  readonly free?: { readonly available: number; readonly total: number }
}

export interface PageCheckpoint {
  readonly step: number
  readonly epoch?: number
  readonly files: number
  readonly bytes: number
  readonly savedAt: number
  /** Milliseconds until its files were stored. */
  readonly saving?: number
  /** The restore from which the run continued, if this is the first save since. The duration is in milliseconds. */
  readonly restore?: { readonly step: number; readonly at: number; readonly duration: number }
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
  /** The steps whose checkpoints a rewind abandoned. */
  readonly abandoned: readonly number[]
}

export interface PageSeries {
  readonly name: string
  /** One value for each step, rounded to 7 digits; null if the step has none, or one that is not finite. */
  readonly values: readonly (number | null)[]
  /** How many values are not finite. */
  readonly notFinite: number
}

export interface PageDrop {
  readonly step: number
  readonly because: string
  readonly bytes: number
}

export interface PageCommit {
  readonly at?: number
  /** What it did, such as `save 42`. */
  readonly did: string
  /** The steps that it dropped. */
  readonly dropped: readonly number[]
}

/** A joint save of many ranks that is not committed. */
export interface PageUnfinished {
  readonly step: number
  /** The number of ranks. */
  readonly size: number
  readonly missing: readonly number[]
  readonly since: number
}

export interface PageMirror {
  readonly url: string
  /** The latest checkpoint that the mirror has. */
  readonly newest?: { readonly step: number; readonly savedAt: number; readonly copiedAt: number }
  /** How many checkpoints it lacks, and their size. */
  readonly waiting: number
  readonly waitingBytes: number
}
