import type { JsonValue } from '../input/json.ts'
import type { SeededRandom } from './random.ts'

/** Describes the sample that `get` fetches. */
export interface SampleContext {
  /** The epoch, from 0. */
  readonly epoch: number
  /** The position of the sample in the order of the epoch, from 0. */
  readonly position: number
  /**
   * A generator of this sample, for augmentation. Its draws depend only on the seed, the epoch and the position,
   * not on which rank fetches the sample or when. If `wrap` repeats a sample in an epoch, both copies get the
   * same draws.
   */
  readonly random: SeededRandom
  /** Fires when the sample is no longer needed. */
  readonly signal: AbortSignal
}

/** Samples that can be fetched by index: a table, a folder of images, a file of fixed-size records. */
export interface IndexedSource<Sample> {
  /** Number of samples. */
  readonly length: number
  /** Returns the sample at an index. The loader calls it for several samples at once. */
  get(index: number, context: SampleContext): Sample | PromiseLike<Sample>
}

/** Samples that can only be read one after another. Their number need not be known. */
export type SampleStream<Sample> = AsyncIterable<Sample> | Iterable<Sample>

/**
 * A stream that can save and restore its own position. The first iteration after `loadStateDict` continues at that
 * position. Every other iteration starts at the beginning of the stream.
 */
export interface ResumableStream {
  /** Returns the position after the last sample that the stream yielded, as plain JSON. */
  stateDict(): JsonValue
  /** Makes the next iteration continue at this position. */
  loadStateDict(state: JsonValue): void
}

/** Creates the stream of an epoch. The signal fires when no more samples are needed. */
export type StreamOfEpoch<Sample> = (
  epoch: number,
  signal: AbortSignal,
) => SampleStream<Sample> | PromiseLike<SampleStream<Sample>>

/** A stream that can be iterated over once for every epoch, or a function that creates the stream of an epoch. */
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
