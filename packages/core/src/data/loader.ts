import { throwIfAborted } from '../errors.ts'
import { refuseMoved } from './batching.ts'
import type { Feed, FeedCursor } from './feed.ts'
import { feedOf, type IndexedLoaderOptions, type StreamLoaderOptions } from './loader-options.ts'
import { SeededRandom } from './random.ts'
import { readAhead } from '../async/read-ahead.ts'
import type { IndexedSource, StreamSource } from './source.ts'
import { type DataState, dataStateOf, placeIn } from './state.ts'
import { assertWhole } from './whole.ts'

/**
 * Loads batches of samples ahead of the loop, and has a position that can be saved in the middle of an epoch. After
 * a resume no sample comes twice and none is skipped, even with another number of ranks.
 *
 * An iteration yields the rest of the current epoch; the next iteration yields the next epoch. A batch counts as
 * delivered when the loop receives it, so save after the work on a batch is done. Batches that were only fetched
 * ahead do not count. If fetching fails, the loop gets the error in place of the batch; a new iteration tries that
 * batch again. An iteration throws `INVALID_ARGUMENT` if another iteration or `loadStateDict` moves the position
 * meanwhile.
 *
 * @example
 * const loader = new DataLoader(images, { order: 'shuffled', seed: 42, batchSize: 64 })
 * if (resumed !== undefined) loader.loadStateDict(resumed.dataState)
 * for (let epoch = loader.epoch; epoch < 10; epoch += 1) {
 *   for await (const batch of loader) {
 *     train(batch)
 *     await store.save({ step, epoch, files, dataState: loader.stateDict() })
 *   }
 * }
 */
export class DataLoader<Sample> implements AsyncIterable<readonly Sample[]> {
  /**
   * A generator for random numbers that the loop draws, for example for dropout. It starts as
   * `new SeededRandom(seed)`, and its state is part of the saved position. It is the same on all ranks while they
   * draw equally often. For draws that differ between ranks, create a `SeededRandom` with the rank as a seed.
   */
  readonly random: SeededRandom
  readonly #feed: Feed<Sample>
  readonly #prefetch: number
  readonly #signal: AbortSignal | undefined
  #cursor: FeedCursor = { epoch: 0, position: 0 }

  /** Throws `INVALID_ARGUMENT` if an option is invalid, or if `drop` would drop every sample. */
  constructor(source: IndexedSource<Sample> | ArrayLike<Sample>, options: IndexedLoaderOptions)
  constructor(source: StreamSource<Sample>, options: StreamLoaderOptions)
  constructor(
    source: IndexedSource<Sample> | ArrayLike<Sample> | StreamSource<Sample>,
    options: IndexedLoaderOptions | StreamLoaderOptions,
  ) {
    const { prefetch = 2, signal } = options
    assertWhole('prefetch', prefetch, 0)
    this.#prefetch = prefetch
    this.#signal = signal
    this.#feed = feedOf(source, options)
    this.random = new SeededRandom(this.#feed.identity.seed)
  }

  /** The epoch of the next batch, from 0. */
  get epoch(): number {
    return this.#cursor.epoch
  }

  /** Number of samples of the epoch that all ranks together have received. */
  get position(): number {
    return this.#cursor.position
  }

  /** Yields the batches from the current position to the end of the epoch. */
  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Sample[], void, undefined> {
    let here = this.#cursor
    const begin = (signal: AbortSignal) => this.#feed.arrivalsFrom(here, signal)
    for await (const { samples, next } of readAhead(begin, this.#prefetch, this.#signal)) {
      const batch = await this.#unlessAborted(samples)
      refuseMoved(here, this.#cursor)
      this.#cursor = here = next
      if (batch !== undefined) yield batch
    }
  }

  /** Returns the current position as plain JSON, for `save({ dataState })`. */
  stateDict(): DataState {
    return dataStateOf(this.#feed.identity, { ...this.#cursor, random: [...this.random.stateDict()] })
  }

  /**
   * Moves to a saved position. The batch size and the number of ranks may differ from those at the time of the
   * save. Throws `INVALID_ARGUMENT` if the state is invalid or was saved for other data, and `UNSUPPORTED` if its
   * format is newer. The position then stays where it was.
   */
  loadStateDict(state: unknown): void {
    const { random, ...cursor } = placeIn(state, this.#feed.identity, this.#feed.length)
    this.random.loadStateDict(random ?? new SeededRandom(this.#feed.identity.seed).stateDict())
    this.#cursor = cursor
  }

  async #unlessAborted<Value>(value: Promise<Value> | Value): Promise<Value> {
    try {
      return await value
    } finally {
      throwIfAborted(this.#signal, 'Loading')
    }
  }
}
