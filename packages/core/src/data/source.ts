import type { JsonValue } from '../json.ts'
import type { SeededRandom } from './random.ts'

/** What is known of a sample while it is fetched. */
export interface SampleContext {
  readonly epoch: number
  /** Its position in the order of the epoch. */
  readonly position: number
  /** For augmentation: its draws depend on the seed, the epoch and the position alone, not on who fetches when. */
  readonly random: SeededRandom
  /** Fires when the sample is no longer wanted. */
  readonly signal: AbortSignal
}

/** Samples by their index: a table, a folder of images, a file of fixed records. */
export interface IndexedSource<Sample> {
  /** How many samples there are. */
  readonly length: number
  /** Several may be under way at once. */
  get(index: number, context: SampleContext): Sample | PromiseLike<Sample>
}

/** Samples one after another, which only the stream itself can count. */
export type SampleStream<Sample> = AsyncIterable<Sample> | Iterable<Sample>

/**
 * A stream that knows where it is. Iterated over after `loadStateDict` it goes on from there; without that, each
 * time, it begins at its front.
 */
export interface ResumableStream {
  /** Plain JSON: where it is after the sample that it gave last. */
  stateDict(): JsonValue
  loadStateDict(state: JsonValue): void
}

/** Makes the stream of an epoch. The signal fires when no more of it is wanted. */
export type StreamOfEpoch<Sample> = (
  epoch: number,
  signal: AbortSignal,
) => SampleStream<Sample> | PromiseLike<SampleStream<Sample>>

/** A stream that can be iterated over once an epoch, or a function that makes one for each. */
export type StreamSource<Sample> =
  | (SampleStream<Sample> & { readonly length?: never })
  | StreamOfEpoch<Sample>

export function isResumable(stream: object): stream is ResumableStream {
  return (
    'stateDict' in stream &&
    typeof stream.stateDict === 'function' &&
    'loadStateDict' in stream &&
    typeof stream.loadStateDict === 'function'
  )
}
