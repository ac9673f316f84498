import { abortedError, HoldfastError, messageOf } from '../../errors.ts'
import type { Buffers } from './buffers.ts'

/** Yields the chunks of a caller's stream. Rejects when the signal fires, and always ends the stream. */
export async function* untilAborted(
  stream: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const iterator = stream[Symbol.asyncIterator]()
  let stopWaiting: (reason: HoldfastError) => void = () => undefined
  const onAbort = (): void => {
    if (signal !== undefined) stopWaiting(abortedError(signal, 'Reading the source'))
  }
  signal?.addEventListener('abort', onAbort)
  let ended = false
  try {
    for (;;) {
      // A race against one promise for the whole loop would keep every chunk in memory until that promise settles.
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        stopWaiting = reject
        if (signal?.aborted === true) onAbort()
        nextChunk(iterator).then(resolve, reject)
      })
      if (next.done === true) {
        ended = true
        return
      }
      yield next.value
    }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    // A stream that hangs in `next` may also hang in `return`, so nothing waits for it.
    if (!ended) void Promise.resolve(iterator.return?.()).catch(() => undefined)
  }
}

async function nextChunk(iterator: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
  let next: IteratorResult<Uint8Array>
  try {
    next = await iterator.next()
  } catch (error) {
    if (error instanceof HoldfastError) throw error
    throw new HoldfastError('INVALID_ARGUMENT', `The source stream failed: ${messageOf(error)}`, {
      cause: error,
    })
  }
  const value: unknown = next.value
  if (next.done !== true && !(value instanceof Uint8Array)) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `The source stream yielded ${typeof value}; expected Uint8Array.`,
    )
  }
  return next
}

/**
 * Turns chunks of any size into chunks of one size. The last chunk may be shorter. The bytes are copied into a ring of
 * buffers, since a stream may reuse its own buffer when it is asked for the next chunk.
 */
export async function* rechunk(
  stream: AsyncIterable<Uint8Array>,
  chunkBytes: number,
  { ring, allocate }: Buffers,
): AsyncGenerator<Uint8Array> {
  const buffers: Uint8Array[] = []
  const bufferOf = (index: number): Uint8Array => (buffers[index % ring] ??= allocate(chunkBytes))
  let index = 0
  let buffer = bufferOf(index)
  let filled = 0
  for await (const chunk of stream) {
    for (let taken = 0; taken < chunk.byteLength; ) {
      const part = chunk.subarray(taken, taken + chunkBytes - filled)
      buffer.set(part, filled)
      filled += part.byteLength
      taken += part.byteLength
      if (filled < chunkBytes) continue
      yield buffer
      index += 1
      buffer = bufferOf(index)
      filled = 0
    }
  }
  if (filled > 0) yield buffer.subarray(0, filled)
}
