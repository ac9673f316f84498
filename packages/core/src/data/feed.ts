import type { JsonValue } from '../json.ts'
import type { Cursor } from './batching.ts'
import type { DataIdentity } from './state.ts'

/** Where a loader is: the state of its source too, where the source has one. */
export interface FeedCursor extends Cursor {
  readonly source?: JsonValue
}

/** What comes next. */
export interface Arrival<Sample> {
  /** A batch that is on its way; `undefined` at the end of the epoch. */
  readonly samples: readonly Sample[] | Promise<readonly Sample[]> | undefined
  /** Where all workers are once they have it. */
  readonly next: FeedCursor
}

/** What a loader draws on. It remembers nothing from one call to the next. */
export interface Feed<Sample> {
  readonly identity: DataIdentity
  /** How many positions an epoch has; infinite where only its end will tell. */
  readonly length: number
  /** The rest of the cursor's epoch, and its end. When the signal has fired it ends soon, with all that it began. */
  readonly arrivalsFrom: (
    cursor: FeedCursor,
    signal: AbortSignal,
  ) => AsyncGenerator<Arrival<Sample>, void, undefined>
}
