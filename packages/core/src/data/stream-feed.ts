import { HoldfastError } from '../errors.ts'
import type { JsonValue } from '../input/json.ts'
import { type Batching, shareOf } from './batching.ts'
import type { Arrival, Feed, FeedCursor } from './feed.ts'
import { isResumable, type StreamSource } from './source.ts'
import { untilAborted } from '../async/until-aborted.ts'

/**
 * Reads a stream from its beginning to its end. Every rank reads the whole stream and keeps its own samples.
 *
 * On a resume, a stream with `loadStateDict` continues at its own saved state. Any other stream is read again from
 * its beginning, and the samples that were already delivered are skipped.
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

/** Moves a resumable stream to a saved state. Returns false if there is no state, or the stream cannot load one. */
function goTo(stream: object, saved: JsonValue | undefined): boolean {
  if (saved === undefined || !isResumable(stream)) return false
  stream.loadStateDict(structuredClone(saved))
  return true
}

/** Copies the state, because the stream may keep changing the object that it returned. */
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
      `The stream ended after ${passed} samples, but ${position} samples of epoch ${epoch} were already delivered. ` +
        'It must yield the same samples in every iteration. If it can be read only once, pass a function that ' +
        'creates a new stream.',
    )
  }
}

/** Returns the next `count` samples, or fewer at the end of the stream. */
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

/** With epochs that have no batches, a training loop would never make progress. */
function refuseNoBatch(epoch: number, given: number, { lastBatch, stepSize }: Batching): void {
  if (given === 0) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `The stream yielded no sample in epoch ${epoch}. If it can be read only once, it is empty after the first ` +
        'epoch: pass a function that creates a new stream for each epoch.',
    )
  }
  if (lastBatch === 'drop' && given < stepSize) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `All ${given} samples of epoch ${epoch} would be dropped: one step of all ranks takes ${stepSize}. ` +
        "Use smaller batches, or set lastBatch to 'short'.",
    )
  }
}
