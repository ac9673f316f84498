import { addAbortSignal, type Readable } from 'node:stream'
import { HoldfastError, throwIfAborted } from '../../errors.ts'
import { defaultMinimumProgress, type MinimumProgress, progressing } from '../progress.ts'
import { defaultRetryPolicy, pauseBefore, type RetryContext, withRetry } from '../retry.ts'

/**
 * Bytes a millisecond that make a connection a fast one. Stores give some 90 MB/s over each (Amazon S3, "Performance
 * design patterns"): those are read side by side. One that gives more is stopped by this process, not by the store.
 */
const fastConnection = 100_000

export interface ResumingStreamOptions {
  /** The first byte, and the one after the last. */
  readonly start: number
  readonly end: number
  /** The answer to the first request, which has been made already, and how many bytes that asked for. */
  readonly first: Readable
  readonly firstBytes: number
  /** Of the rest, where it is read side by side: bytes of a range, and ranges under way, or in memory, at once. */
  readonly rangeBytes: number
  readonly rangesAtOnce: number
  /** Asks for the bytes `start` to before `end` of the very same body; rejects with a Holdfast error. */
  readonly reopen: (start: number, end: number) => Promise<Readable>
  /** Turns what a broken connection throws into a Holdfast error. */
  readonly errorOf: (error: unknown) => HoldfastError
  readonly retry: RetryContext
  /**
   * What a body must bring while it is waited for; and what an attempt must bring to count as one that got further, if
   * the range is not a small one. Default: 64 KiB in 60 s.
   */
  readonly progress?: MinimumProgress | undefined
  /** Milliseconds. Default: this process's clock. */
  readonly now?: (() => number) | undefined
}

/**
 * The bytes `start` to before `end` in their order, through broken connections: where one ends early the next goes on
 * at the very byte. Fails with what the last attempt failed with, and with `ABORTED` when the signal of `retry` fires.
 *
 * The first range shows how fast a connection is. The rest comes over one more that is fast, over several at once that
 * are not.
 */
export function resumingStream(options: ResumingStreamOptions): ReadableStream<Uint8Array> {
  const stop = new AbortController()
  const { signal: callers } = options.retry
  const signal = callers === undefined ? stop.signal : AbortSignal.any([callers, stop.signal])
  const chunks = inOrder({ ...options, retry: { ...options.retry, signal } }, stop)
  // Held by the stream from the start, so that a body that is never read is let go of as well.
  addAbortSignal(signal, options.first)
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

type Chunks = AsyncGenerator<Uint8Array, void, undefined>

interface Range {
  readonly start: number
  readonly end: number
}

async function* inOrder(options: ResumingStreamOptions, stop: AbortController): Chunks {
  const { start, end, first, firstBytes, now = () => performance.now() } = options
  const rest: Range = { start: Math.min(start + firstBytes, end), end }
  let following: Chunks | undefined
  let passed = 0
  let waited = 0
  try {
    let asked = now()
    for await (const chunk of resuming(options, { start, end: rest.start }, first)) {
      waited += now() - asked
      passed += chunk.byteLength
      // Early enough for the answer to be there when it is needed.
      if (following === undefined && rest.start < end && passed >= firstBytes / 2) {
        const isFast = passed > waited * fastConnection
        following = begun(isFast ? resuming(options, rest) : sideBySide(options, rest))
      }
      yield chunk
      asked = now()
    }
    if (following !== undefined) yield* following
  } finally {
    stop.abort()
  }
}

/** Asks for the first chunk at once. */
function begun(chunks: Chunks): Chunks {
  const first = chunks.next()
  first.catch(() => undefined) // thrown where it is awaited
  return begunWith(first, chunks)
}

async function* begunWith(first: Promise<IteratorResult<Uint8Array, void>>, chunks: Chunks): Chunks {
  const { done, value } = await first
  if (done === true) return
  yield value
  yield* chunks
}

/** Ranges in their order, each whole in memory before it passes. */
async function* sideBySide(options: ResumingStreamOptions, { start, end }: Range): Chunks {
  const { rangeBytes, rangesAtOnce } = options
  const underWay: Promise<readonly Uint8Array[]>[] = []
  let position = start
  const begin = (): void => {
    // One more passes, or is on its way to be used.
    while (position < end && underWay.length < Math.max(1, rangesAtOnce - 1)) {
      const range = { start: position, end: Math.min(position + rangeBytes, end) }
      const chunks = Array.fromAsync(resuming(options, range))
      chunks.catch(() => undefined) // thrown where it is awaited
      underWay.push(chunks)
      position = range.end
    }
  }
  begin()
  for (let next = underWay.shift(); next !== undefined; next = underWay.shift()) {
    const chunks = await next
    begin()
    yield* chunks
  }
}

async function* resuming(
  { reopen, errorOf, retry, progress = defaultMinimumProgress }: ResumingStreamOptions,
  { start, end }: Range,
  first?: Readable,
): Chunks {
  const { policy = defaultRetryPolicy } = retry
  let position = start
  let fruitless = 0
  let current = first
  while (position < end || current !== undefined) {
    const body: Readable = current ?? (await withRetry(() => reopen(position, end), retry))
    current = undefined
    const before = position
    try {
      if (body !== first && retry.signal !== undefined) addAbortSignal(retry.signal, body)
      for await (const chunk of progressing(body, retry.what, progress)) {
        throwIfAborted(retry.signal, retry.what)
        position += chunk.byteLength
        if (position > end) throw new HoldfastError('CORRUPT', `${retry.what} gave more bytes than it has.`)
        yield chunk
      }
      if (position < end) throw endedEarly(retry.what, position, end)
    } catch (error) {
      throwIfAborted(retry.signal, retry.what)
      const failure = errorOf(error)
      // Connections that each bring a few bytes would go on for ever.
      fruitless = position - before >= Math.min(progress.bytes, (end - start) / 8) ? 1 : fruitless + 1
      if (!failure.retryable || fruitless >= policy.attempts) throw failure
      retry.onRetry?.({
        what: retry.what,
        attempt: fruitless,
        attemptsLeft: policy.attempts - fruitless,
        error: failure,
      })
      if (fruitless > 1) await pauseBefore(fruitless, retry)
    }
  }
}

function endedEarly(what: string, position: number, end: number): HoldfastError {
  return new HoldfastError('UNAVAILABLE', `${what} ended at byte ${position} of ${end}.`)
}
