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
 * Batches of samples, fetched ahead, and a position that can be saved in the middle of an epoch: after a resume no
 * sample comes twice and none is skipped, also on another number of workers.
 *
 * An iteration gives the rest of the epoch, from wherever the loader is; the next one the next epoch. A batch
 * counts as delivered when the loop receives it, so save once the work on it is done; what was only fetched ahead
 * does not count. An error in fetching reaches the loop in place of its batch, and iterating again tries it again.
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
   * A generator whose state is part of the saved position: for what the loop itself draws, such as dropout. It is
   * the same on all workers as long as they draw alike; where each is to draw its own, take a `SeededRandom`.
   */
  readonly random: SeededRandom
  readonly #feed: Feed<Sample>
  readonly #prefetch: number
  readonly #signal: AbortSignal | undefined
  #cursor: FeedCursor = { epoch: 0, position: 0 }

  /** Throws `INVALID_ARGUMENT` for options that are not as they should be, and where `drop` would leave nothing. */
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

  /** The epoch that the next batch is of, from 0. */
  get epoch(): number {
    return this.#cursor.epoch
  }

  /** How many samples of the epoch all workers together have been given. */
  get position(): number {
    return this.#cursor.position
  }

  /** The batches from where the loader is to the end of the epoch. */
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

  /** Where the loader is: plain JSON, for `save({ dataState })`. */
  stateDict(): DataState {
    return dataStateOf(this.#feed.identity, { ...this.#cursor, random: [...this.random.stateDict()] })
  }

  /**
   * Goes to a saved position, whatever the batch size and the number of workers that it was saved with. Throws
   * `INVALID_ARGUMENT` for one that does not fit the data, and `UNSUPPORTED` for one of a newer format.
   */
  loadStateDict(state: unknown): void {
    const { random, ...cursor } = placeIn(state, this.#feed.identity, this.#feed.length)
    this.#cursor = cursor
    this.random.loadStateDict(random ?? new SeededRandom(this.#feed.identity.seed).stateDict())
  }

  async #unlessAborted<Value>(value: Promise<Value> | Value): Promise<Value> {
    try {
      return await value
    } finally {
      throwIfAborted(this.#signal, 'Loading')
    }
  }
}
