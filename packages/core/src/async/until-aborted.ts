import { abortedError } from '../errors.ts'

/**
 * Passes a stream on, stops waiting for it as soon as the signal fires (`ABORTED`), and always lets go of it: a
 * stream that hangs hangs nobody else.
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
      // Not a race against one promise for all turns: that would hold on to every sample until it settles.
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
    // A stream that hangs in `next` may hang in `return` too, so its end is not waited for.
    if (!ended) void Promise.resolve(iterator.return?.()).catch(() => undefined)
  }
}
