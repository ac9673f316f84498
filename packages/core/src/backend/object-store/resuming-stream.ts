import { addAbortSignal, type Readable } from 'node:stream'
import { HoldfastError, throwIfAborted } from '../../errors.ts'
import { defaultMinimumProgress, type MinimumProgress, progressing } from '../progress.ts'
import { defaultRetryPolicy, pauseBefore, type RetryContext, withRetry } from '../retry.ts'

/**
 * Bytes per millisecond above which a connection is fast. S3 delivers 85 to 90 MB/s over one connection, so an object
 * is read over several:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-design-patterns.html. On a faster
 * connection, this process is the bottleneck.
 */
const fastConnection = 100_000

export interface ResumingStreamOptions {
  /** The range to read. `end` is exclusive. */
  readonly start: number
  readonly end: number
  /** The response to the first request, which has been sent already, and the number of bytes that it requested. */
  readonly first: Readable
  readonly firstBytes: number
  /**
   * The size of a range in bytes, and how many ranges are in flight or in memory at once, if several are read at once.
   */
  readonly rangeBytes: number
  readonly rangesAtOnce: number
  /** Requests the bytes from `start` to `end` (exclusive) of the same body. Rejects with a Holdfast error. */
  readonly reopen: (start: number, end: number) => Promise<Readable>
  /** Converts what a broken connection throws into a Holdfast error. */
  readonly errorOf: (error: unknown) => HoldfastError
  readonly retry: RetryContext
  /**
   * The slowest body that is accepted. Its bytes are also what an attempt must deliver to count as progress; for a
   * small range, an eighth of the range is enough. Default: 64 KiB in 60 s.
   */
  readonly progress?: MinimumProgress | undefined
  /** Returns a time in milliseconds. Default: the clock of this process. */
  readonly now?: (() => number) | undefined
}

/**
 * Streams the bytes from `start` to `end` (exclusive) in order. If a connection breaks, the next one continues at the
 * same byte. Fails with the error of the last attempt, and with `ABORTED` if the signal of `retry` fires.
 *
 * The first range measures the speed of a connection. The rest is read over one connection if it is fast, and over
 * several at once if not.
 */
export function resumingStream(options: ResumingStreamOptions): ReadableStream<Uint8Array> {
  const stop = new AbortController()
  const { signal: callers } = options.retry
  const signal = callers === undefined ? stop.signal : AbortSignal.any([callers, stop.signal])
  const chunks = inOrder({ ...options, retry: { ...options.retry, signal } }, stop)
  // The signal also ends a body that is never read.
  addAbortSignal(signal, options.first)
  options.first.on('error', () => undefined) // the reader of the body gets the error
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
      // Half-way, so that the response has arrived when it is used.
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

/** Requests the first chunk at once. */
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

/** Yields ranges in order. Each range is read into memory before it is yielded. */
async function* sideBySide(options: ResumingStreamOptions, { start, end }: Range): Chunks {
  const { rangeBytes, rangesAtOnce } = options
  const underWay: Promise<readonly Uint8Array[]>[] = []
  let position = start
  const begin = (): void => {
    // One more range is being yielded.
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
        if (position > end)
          throw new HoldfastError('CORRUPT', `${retry.what} returned more bytes than the object has.`)
        yield chunk
      }
      if (position < end) throw endedEarly(retry.what, position, end)
    } catch (error) {
      throwIfAborted(retry.signal, retry.what)
      const failure = errorOf(error)
      // Otherwise connections that deliver a few bytes each would be retried for ever.
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
