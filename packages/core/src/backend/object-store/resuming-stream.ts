import { addAbortSignal, type Readable } from 'node:stream'
import { HoldfastError, throwIfAborted } from '../../errors.ts'
import { defaultRetryPolicy, type RetryContext, withRetry } from '../retry.ts'

/** Milliseconds in which a body that is waited for must give something: SDKs wait for ever. */
const longestSilence = 60_000

export interface ResumingStreamOptions {
  /** The first byte, and the one after the last. */
  readonly start: number
  readonly end: number
  /** The answer to the first request, which has been made already. */
  readonly first: Readable
  /** Asks for the bytes from `start` on of the very same body; rejects with a Holdfast error. */
  readonly reopen: (start: number) => Promise<Readable>
  /** Turns what a broken connection throws into a Holdfast error. */
  readonly errorOf: (error: unknown) => HoldfastError
  readonly retry: RetryContext
}

/**
 * The bytes `start` to before `end`, through broken connections: where one ends early the next goes on at the very
 * byte. Fails with what the last attempt failed with, and with `ABORTED` when the signal of `retry` fires.
 */
export function resumingStream(options: ResumingStreamOptions): ReadableStream<Uint8Array> {
  const stop = new AbortController()
  const chunks = resuming(options, stop.signal)
  // Held by the stream from the start, so that a body that is never read is let go of as well.
  addAbortSignal(stop.signal, options.first)
  options.first.on('error', () => undefined) // seen by whoever reads it
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await chunks.next()
        if (next.done === true) controller.close()
        else controller.enqueue(next.value)
      },
      cancel() {
        stop.abort()
      },
    },
    { highWaterMark: 0 },
  )
}

async function* resuming(
  options: ResumingStreamOptions,
  cancelled: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { start, end, reopen, errorOf, retry } = options
  const { attempts } = retry.policy ?? defaultRetryPolicy
  let position = start
  let fruitless = 0
  let current: Readable | undefined = options.first
  while (position < end || current !== undefined) {
    const body: Readable =
      current ?? addAbortSignal(cancelled, await withRetry(() => reopen(position), retry))
    current = undefined
    const before = position
    try {
      if (retry.signal !== undefined) addAbortSignal(retry.signal, body)
      for await (const chunk of neverSilent(body)) {
        throwIfAborted(retry.signal, retry.what)
        position += chunk.byteLength
        if (position > end) throw new HoldfastError('CORRUPT', `${retry.what} gave more bytes than it has.`)
        yield chunk
      }
      if (position < end) throw endedEarly(retry.what, position, end)
    } catch (error) {
      throwIfAborted(retry.signal, retry.what)
      const failure = errorOf(error)
      fruitless = position > before ? 1 : fruitless + 1
      if (!failure.retryable || fruitless >= attempts) throw failure
      retry.onRetry?.({
        what: retry.what,
        attempt: fruitless,
        attemptsLeft: attempts - fruitless,
        error: failure,
      })
    }
  }
}

/** Ends a body that gives nothing although someone waits for it. */
async function* neverSilent(body: Readable): AsyncGenerator<Uint8Array, void, undefined> {
  const wait = (): NodeJS.Timeout =>
    setTimeout(() => {
      body.destroy(new DOMException(`Nothing came for ${longestSilence} ms`, 'TimeoutError'))
    }, longestSilence)
  let silence = wait()
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      clearTimeout(silence)
      yield chunk
      silence = wait()
    }
  } finally {
    clearTimeout(silence)
  }
}

function endedEarly(what: string, position: number, end: number): HoldfastError {
  return new HoldfastError('UNAVAILABLE', `${what} ended at byte ${position} of ${end}.`)
}
