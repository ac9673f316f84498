/** Everything that the page of all runs shows, as JSON. Times are milliseconds since 1970, sizes are bytes. */
export interface RunsPage {
  /** The path or URL below which the runs are, without secrets. */
  readonly prefix: string
  readonly readAt: number
  /** The price of one GB (10^9 bytes) for a month; absent if none is given. */
  readonly price?: number
  readonly runs: readonly PageRun[]
}

export type PageRun = PageReadableRun | PageUnreadableRun

interface AnyPageRun {
  /** Its path below the prefix. Empty if the prefix itself is a run. */
  readonly name: string
}

export interface PageUnreadableRun extends AnyPageRun {
  readonly state: 'damaged' | 'no catalog' | 'unsupported'
  readonly problem: string
}

export interface PageReadableRun extends AnyPageRun {
  readonly state: 'readable'
  readonly latest?: { readonly step: number; readonly savedAt: number }
  readonly checkpoints: number
  readonly quarantined: number
  readonly bytes: number
  /** Whether `bytes` counts all checkpoints. Otherwise it is a lower bound. */
  readonly isComplete: boolean
  /** Whether it has many checkpoints, no retention, and never dropped any. */
  readonly isNeverPruned: boolean
  readonly best: readonly { readonly name: string; readonly step: number; readonly value: number | null }[]
  /** The latest values of some metrics. */
  readonly curves: readonly { readonly name: string; readonly values: readonly number[] }[]
}
