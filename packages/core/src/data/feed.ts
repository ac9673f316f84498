import type { JsonValue } from '../input/json.ts'
import type { Cursor } from './batching.ts'
import type { DataIdentity } from './state.ts'

/** The position of a loader, with the state of its source if the source has one. */
export interface FeedCursor extends Cursor {
  readonly source?: JsonValue
}

/** The next batch of a feed, or the end of the epoch. */
export interface Arrival<Sample> {
  /** A batch, possibly still being fetched. `undefined` at the end of the epoch. */
  readonly samples: readonly Sample[] | Promise<readonly Sample[]> | undefined
  /** The cursor of all ranks after they have received this batch. */
  readonly next: FeedCursor
}

/** Supplies a loader with batches. A feed has no state of its own: the caller passes the cursor. */
export interface Feed<Sample> {
  readonly identity: DataIdentity
  /** Number of positions in an epoch. Infinity if it is not known before the end. */
  readonly length: number
  /**
   * Yields the remaining batches of the cursor's epoch, then its end. After the signal fires, the generator ends
   * soon, and all work that it started has then ended too.
   */
  readonly arrivalsFrom: (
    cursor: FeedCursor,
    signal: AbortSignal,
  ) => AsyncGenerator<Arrival<Sample>, void, undefined>
}
