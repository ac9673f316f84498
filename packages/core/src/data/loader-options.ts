import { HoldfastError } from '../errors.ts'
import { refuseUnknownOptions } from '../input/unknown-options.ts'
import { batchFields, batchingOf, type BatchOptions, refuseNoBatch } from './batching.ts'
import type { Feed } from './feed.ts'
import { indexedFeed } from './indexed-feed.ts'
import { orderFields, orderOf, type OrderOptions } from './order.ts'
import type { IndexedSource, StreamSource } from './source.ts'
import { streamFeed } from './stream-feed.ts'
import { assertWhole } from './whole.ts'

interface CommonLoaderOptions extends BatchOptions {
  /** Number of batches to fetch ahead of the batch that the loop works on. Default: 2. */
  readonly prefetch?: number | undefined
  /** When it fires, the running iteration rejects with `ABORTED`. */
  readonly signal?: AbortSignal | undefined
}

/** Options of a loader whose samples are fetched by index. */
export type IndexedLoaderOptions = CommonLoaderOptions &
  OrderOptions & {
    /** Number of samples to fetch at once. Default: 8. */
    readonly concurrency?: number | undefined
  }

/** Options of a loader whose samples come from a stream, in the order of the stream. */
export interface StreamLoaderOptions extends CommonLoaderOptions {
  readonly lastBatch?: 'short' | 'drop' | undefined
  /** Seed of `loader.random`: an integer from 0 to 2^53 - 1. Default: 0. */
  readonly seed?: number | undefined
}

type Indexed<Sample> = IndexedSource<Sample> | ArrayLike<Sample>

const commonFields = [...batchFields, 'prefetch', 'signal'] as const

/** Builds the feed of a loader. Throws `INVALID_ARGUMENT` for options that are invalid or do not fit the source. */
export function feedOf<Sample>(
  source: Indexed<Sample> | StreamSource<Sample>,
  options: IndexedLoaderOptions | StreamLoaderOptions,
): Feed<Sample> {
  const batching = batchingOf(options)
  if (isIndexed(source)) {
    refuseUnknownOptions(options, [...commonFields, ...orderFields, 'concurrency'], 'A loader')
    if (!('order' in options))
      throw invalid(
        "order is required for a source with a length. Set it to 'shuffled', 'sequential' or 'drawn'.",
      )
    const { concurrency = 8 } = options
    assertWhole('concurrency', concurrency, 1)
    const order = orderOf(source.length, options)
    refuseNoBatch(order.length, batching)
    return indexedFeed(source, order, batching, concurrency)
  }
  refuseUnknownOptions(options, [...commonFields, 'seed'], 'A loader of a stream')
  if (batching.lastBatch === 'wrap') {
    throw invalid(
      "lastBatch must be 'short' or 'drop' for a stream, not 'wrap': a stream cannot yield its first samples again.",
    )
  }
  const { seed = 0 } = options
  assertWhole('seed', seed, 0)
  return streamFeed(source, batching, seed)
}

function isIndexed<Sample>(source: Indexed<Sample> | StreamSource<Sample>): source is Indexed<Sample> {
  return typeof source !== 'function' && 'length' in source
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}
