import { HoldfastError } from '../errors.ts'
import { refuseUnknownOptions } from '../unknown-options.ts'
import { batchFields, batchingOf, type BatchOptions, refuseNoBatch } from './batching.ts'
import type { Feed } from './feed.ts'
import { indexedFeed } from './indexed-feed.ts'
import { orderFields, orderOf, type OrderOptions } from './order.ts'
import type { IndexedSource, StreamSource } from './source.ts'
import { streamFeed } from './stream-feed.ts'
import { assertWhole } from './whole.ts'

interface CommonLoaderOptions extends BatchOptions {
  /** How many batches are fetched ahead of the one that is being worked on. Default: 2. */
  readonly prefetch?: number | undefined
  /** Ends the iteration that is under way with `ABORTED`. */
  readonly signal?: AbortSignal | undefined
}

/** For samples that are fetched by their index. */
export type IndexedLoaderOptions = CommonLoaderOptions &
  OrderOptions & {
    /** How many samples are fetched at once. Default: 8. */
    readonly concurrency?: number | undefined
  }

/** For samples that come as a stream, in the stream's own order. */
export interface StreamLoaderOptions extends CommonLoaderOptions {
  readonly lastBatch?: 'short' | 'drop' | undefined
  /** For the loader's generator. Default: 0. */
  readonly seed?: number | undefined
}

type Indexed<Sample> = IndexedSource<Sample> | ArrayLike<Sample>

const commonFields = [...batchFields, 'prefetch', 'signal'] as const

/** Throws `INVALID_ARGUMENT` for options that are not as they should be, or do not go with the source. */
export function feedOf<Sample>(
  source: Indexed<Sample> | StreamSource<Sample>,
  options: IndexedLoaderOptions | StreamLoaderOptions,
): Feed<Sample> {
  const batching = batchingOf(options)
  if (isIndexed(source)) {
    refuseUnknownOptions(options, [...commonFields, ...orderFields, 'concurrency'], 'A loader')
    if (!('order' in options)) throw invalid("In which order? Say 'shuffled', 'sequential' or 'drawn'.")
    const { concurrency = 8 } = options
    assertWhole('concurrency', concurrency, 1)
    const order = orderOf(source.length, options)
    refuseNoBatch(order.length, batching)
    return indexedFeed(source, order, batching, concurrency)
  }
  refuseUnknownOptions(options, [...commonFields, 'seed'], 'A loader of a stream')
  if (batching.lastBatch === 'wrap') {
    throw invalid("A stream cannot wrap: its beginning is gone. Choose 'short' or 'drop' for lastBatch.")
  }
  const { seed = 0 } = options
  assertWhole('The seed', seed, 0)
  return streamFeed(source, batching, seed)
}

function isIndexed<Sample>(source: Indexed<Sample> | StreamSource<Sample>): source is Indexed<Sample> {
  return typeof source !== 'function' && 'length' in source
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}
