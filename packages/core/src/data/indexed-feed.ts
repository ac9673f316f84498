import { HoldfastError, throwIfAborted } from '../errors.ts'
import { type Batching, stepsFrom } from './batching.ts'
import type { Arrival, Feed } from './feed.ts'
import type { Order } from './order.ts'
import { randomOfSample } from './random.ts'
import { Slots } from '../async/slots.ts'
import type { IndexedSource, SampleContext } from './source.ts'

/** Fetches the samples of an order by index, at most `concurrency` at once, and yields their batches in order. */
export function indexedFeed<Sample>(
  source: IndexedSource<Sample> | ArrayLike<Sample>,
  order: Order,
  batching: Batching,
  concurrency: number,
): Feed<Sample> {
  const { identity, length } = order
  const fetch = fetcherOf(source)
  return {
    identity,
    length,
    async *arrivalsFrom(cursor, signal): AsyncGenerator<Arrival<Sample>, void, undefined> {
      const { epoch } = cursor
      const sampleAt = order.samplesOf(epoch)
      const slots = new Slots(concurrency)
      const fetchAt = (position: number): Promise<Sample> =>
        slots.run(async () => {
          throwIfAborted(signal, 'Loading')
          const context = contextOf(identity.seed, epoch, position, signal)
          return fetch(sampleAt(position), context)
        })
      try {
        for (const { positions, next } of stepsFrom(cursor, length, batching)) {
          const samples = Promise.all(positions.map(fetchAt))
          samples.catch(() => undefined) // the error reaches the caller that awaits the batch
          yield { samples, next }
        }
        yield { samples: undefined, next: { epoch: epoch + 1, position: 0 } }
      } finally {
        await slots.idle()
      }
    },
  }
}

type Fetcher<Sample> = (index: number, context: SampleContext) => Sample | PromiseLike<Sample>

function fetcherOf<Sample>(source: IndexedSource<Sample> | ArrayLike<Sample>): Fetcher<Sample> {
  if ('get' in source) return (index, context) => source.get(index, context)
  return (index) => {
    const sample = source[index]
    if (sample !== undefined) return sample
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `The source has no sample at index ${index}, although its length is ${source.length}. ` +
        'Every index below the length must have a sample.',
    )
  }
}

/** Creates the generator on first use, because most samples draw nothing. */
function contextOf(seed: number, epoch: number, position: number, signal: AbortSignal): SampleContext {
  let made: SampleContext['random'] | undefined
  return {
    epoch,
    position,
    signal,
    get random() {
      made ??= randomOfSample(seed, epoch, position)
      return made
    },
  }
}
