import { refuseUnknownOptions } from '../input/unknown-options.ts'
import {
  batchFields,
  type Batching,
  batchingOf,
  type BatchOptions,
  type Cursor,
  refuseMoved,
  refuseNoBatch,
  stepsFrom,
  stepsLeft,
} from './batching.ts'
import { type Order, orderFields, orderOf, type OrderOptions } from './order.ts'
import { type DataState, dataStateOf, placeIn } from './state.ts'

/** Options of a `BatchSampler`. `samples` is the number of samples, from 1 to 2^53 - 1. */
export type SamplerOptions = OrderOptions & BatchOptions & { readonly samples: number }

/**
 * Yields the sample indices of each batch, for programs that fetch samples themselves. A `DataLoader` uses the same
 * order.
 *
 * An iteration yields the rest of the current epoch; the next iteration yields the next epoch. A batch counts as
 * delivered when the iteration yields it. An iteration throws `INVALID_ARGUMENT` if another iteration or
 * `loadStateDict` moves the position meanwhile. The order is computed, not stored: a sampler of 10^9 samples is built
 * and moved to any position in microseconds.
 *
 * @example
 * const sampler = new BatchSampler({ samples: 60_000, order: 'shuffled', seed: 42, batchSize: 64 })
 * for (const indices of sampler) train(indices.map((index) => samples[index]))
 */
export class BatchSampler implements Iterable<readonly number[]> {
  readonly #order: Order
  readonly #batching: Batching
  #cursor: Cursor = { epoch: 0, position: 0 }

  /** Throws `INVALID_ARGUMENT` if an option is invalid, or if `drop` would drop every sample. */
  constructor(options: SamplerOptions) {
    refuseUnknownOptions(options, ['samples', ...orderFields, ...batchFields], 'A sampler')
    this.#order = orderOf(options.samples, options)
    this.#batching = batchingOf(options)
    refuseNoBatch(this.#order.length, this.#batching)
  }

  /** The epoch of the next batch, from 0. */
  get epoch(): number {
    return this.#cursor.epoch
  }

  /** Number of samples of the epoch that all ranks together have received. */
  get position(): number {
    return this.#cursor.position
  }

  /** Number of batches in the rest of the epoch. It is the same on every rank. */
  get batchesLeft(): number {
    return stepsLeft(this.position, this.#order.length, this.#batching)
  }

  /** Yields the sample indices of each batch, from the current position to the end of the epoch. */
  *[Symbol.iterator](): Generator<readonly number[], void, undefined> {
    let here = this.#cursor
    const { epoch } = here
    const sampleAt = this.#order.samplesOf(epoch)
    for (const { positions, next } of stepsFrom(here, this.#order.length, this.#batching)) {
      refuseMoved(here, this.#cursor)
      this.#cursor = here = next
      yield positions.map(sampleAt)
    }
    refuseMoved(here, this.#cursor)
    this.#cursor = { epoch: epoch + 1, position: 0 }
  }

  /** Returns the current position as plain JSON, for `save({ dataState })`. */
  stateDict(): DataState {
    return dataStateOf(this.#order.identity, this.#cursor)
  }

  /**
   * Moves to a saved position. The batch size and the number of ranks may differ from those at the time of the
   * save. Throws `INVALID_ARGUMENT` if the state is invalid or was saved for other data, and `UNSUPPORTED` if its
   * format is newer. The position then stays where it was.
   */
  loadStateDict(state: unknown): void {
    const { epoch, position } = placeIn(state, this.#order.identity, this.#order.length)
    this.#cursor = { epoch, position }
  }
}
