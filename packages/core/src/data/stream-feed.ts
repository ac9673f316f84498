import { HoldfastError } from '../errors.ts'
import type { JsonValue } from '../json.ts'
import { type Batching, shareOf } from './batching.ts'
import type { Arrival, Feed, FeedCursor } from './feed.ts'
import { isResumable, type StreamSource } from './source.ts'
import { untilAborted } from '../async/until-aborted.ts'

/**
 * Reads a stream from front to end. Every worker reads all of it, and takes the samples that are its own. A stream
 * that has a state of its own goes on by that; of any other, what was delivered is read again and passed over.
 */
export function streamFeed<Sample>(
  source: StreamSource<Sample>,
  batching: Batching,
  seed: number,
): Feed<Sample> {
  return {
    identity: { kind: 'stream', seed },
    length: Infinity,
    async *arrivalsFrom(cursor, signal): AsyncGenerator<Arrival<Sample>, void, undefined> {
      const { epoch } = cursor
      const stream = typeof source === 'function' ? await source(epoch, signal) : source
      const goesOnByItself = goTo(stream, cursor.source)
      const samples = untilAborted(stream, signal)
      try {
        if (!goesOnByItself) await passOver(samples, cursor)
        let { position } = cursor
        for (;;) {
          const taken = await take(samples, batching.stepSize)
          position += taken.length
          const isWhole = taken.length === batching.stepSize
          const share = shareOf(taken.length, batching).flatMap((offset) => taken.slice(offset, offset + 1))
          if (isWhole) {
            yield { samples: share, next: { epoch, position, ...stateOf(stream) } }
            continue
          }
          if (cursor.position === 0) refuseNoBatch(epoch, position, batching)
          const isDelivered = taken.length > 0 && batching.lastBatch === 'short'
          yield { samples: isDelivered ? share : undefined, next: { epoch: epoch + 1, position: 0 } }
          return
        }
      } finally {
        await samples.return()
      }
    },
  }
}

/** Puts a stream that can go on by itself to a saved state, and tells whether it did. */
function goTo(stream: object, saved: JsonValue | undefined): boolean {
  if (saved === undefined || !isResumable(stream)) return false
  stream.loadStateDict(structuredClone(saved))
  return true
}

/** A copy, since the stream may go on in the very object that it gave. */
function stateOf(stream: object): { readonly source?: JsonValue } {
  return isResumable(stream) ? { source: structuredClone(stream.stateDict()) } : {}
}

async function passOver(
  samples: AsyncGenerator<unknown, void, undefined>,
  { epoch, position }: FeedCursor,
): Promise<void> {
  for (let passed = 0; passed < position; passed += 1) {
    const { done } = await samples.next()
    if (done !== true) continue
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `The stream ended after ${passed} samples, and ${position} of epoch ${epoch} were delivered already. ` +
        'It must give the same samples each time that it is iterated over. One that can be read only once does ' +
        'not: give a function that makes a new one.',
    )
  }
}

/** The next samples; fewer than asked for only at the end. */
async function take<Sample>(
  samples: AsyncGenerator<Sample, void, undefined>,
  count: number,
): Promise<readonly Sample[]> {
  const taken: Sample[] = []
  while (taken.length < count) {
    const next = await samples.next()
    if (next.done === true) break
    taken.push(next.value)
  }
  return taken
}

/** An epoch without a batch would never end a training, nor begin one. */
function refuseNoBatch(epoch: number, given: number, { lastBatch, stepSize }: Batching): void {
  if (given === 0) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `The stream gave no sample in epoch ${epoch}. One that can be read only once is spent after the first: ` +
        'give a function that makes a new one for each epoch.',
    )
  }
  if (lastBatch === 'drop' && given < stepSize) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `All ${given} samples of epoch ${epoch} would be dropped: one step of all workers takes ${stepSize}. ` +
        "Make the batches smaller, or choose 'short' for lastBatch.",
    )
  }
}
