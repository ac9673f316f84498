import { refuseUnknownOptions } from '../unknown-options.ts'
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

export type SamplerOptions = OrderOptions & BatchOptions & { readonly samples: number }

/**
 * Which samples come next, batch by batch: what a `DataLoader` goes by, for those who fetch themselves.
 *
 * An iteration gives the rest of the epoch, from wherever the sampler is; the next one the next epoch. A batch
 * counts as delivered when it is given out. Nothing is held of the order: a sampler of 10^9 samples is built, and
 * put to any position, in microseconds.
 *
 * @example
 * const sampler = new BatchSampler({ samples: 60_000, order: 'shuffled', seed: 42, batchSize: 64 })
 * for (const indices of sampler) train(indices.map((index) => samples[index]))
 */
export class BatchSampler implements Iterable<readonly number[]> {
  readonly #order: Order
  readonly #batching: Batching
  #cursor: Cursor = { epoch: 0, position: 0 }

  /** Throws `INVALID_ARGUMENT` for options that are not as they should be, and where `drop` would leave nothing. */
  constructor(options: SamplerOptions) {
    refuseUnknownOptions(options, ['samples', ...orderFields, ...batchFields], 'A sampler')
    this.#order = orderOf(options.samples, options)
    this.#batching = batchingOf(options)
    refuseNoBatch(this.#order.length, this.#batching)
  }

  /** The epoch that the next batch is of, from 0. */
  get epoch(): number {
    return this.#cursor.epoch
  }

  /** How many samples of the epoch all workers together have been given. */
  get position(): number {
    return this.#cursor.position
  }

  /** How many batches the rest of the epoch has, the same on every worker. */
  get batchesLeft(): number {
    return stepsLeft(this.position, this.#order.length, this.#batching)
  }

  /** The samples of each batch by their index, from where the sampler is to the end of the epoch. */
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

  /** Where the sampler is: plain JSON, for `save({ dataState })`. */
  stateDict(): DataState {
    return dataStateOf(this.#order.identity, this.#cursor)
  }

  /**
   * Goes to a saved position, whatever the batch size and the number of workers that it was saved with. Throws
   * `INVALID_ARGUMENT` for one that does not fit the data, and `UNSUPPORTED` for one of a newer format.
   */
  loadStateDict(state: unknown): void {
    const { epoch, position } = placeIn(state, this.#order.identity, this.#order.length)
    this.#cursor = { epoch, position }
  }
}
