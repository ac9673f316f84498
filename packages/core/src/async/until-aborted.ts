import { abortedError } from '../errors.ts'

/**
 * Yields the samples of a stream. As soon as the signal fires, it rejects with `ABORTED` and releases the stream,
 * so that a stream that hangs cannot block the caller.
 */
export async function* untilAborted<Sample>(
  stream: Iterable<Sample> | AsyncIterable<Sample>,
  signal: AbortSignal,
): AsyncGenerator<Sample, void, undefined> {
  const iterator = Symbol.asyncIterator in stream ? stream[Symbol.asyncIterator]() : stream[Symbol.iterator]()
  let stopWaiting: (reason: Error) => void = () => undefined
  const onAbort = (): void => {
    stopWaiting(abortedError(signal, 'Loading'))
  }
  signal.addEventListener('abort', onAbort)
  let ended = false
  try {
    for (;;) {
      // Each turn has its own promise. Racing against one shared promise would keep every sample in memory.
      const next = await new Promise<IteratorResult<Sample>>((resolve, reject) => {
        stopWaiting = reject
        if (signal.aborted) onAbort()
        else Promise.resolve(iterator.next()).then(resolve, reject)
      })
      if (next.done === true) {
        ended = true
        return
      }
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    // A stream that hangs in `next` may also hang in `return`, so do not await it.
    if (!ended) void Promise.resolve(iterator.return?.()).catch(() => undefined)
  }
}
