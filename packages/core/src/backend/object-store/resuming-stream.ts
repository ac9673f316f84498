import { addAbortSignal, type Readable } from 'node:stream'
import { HoldfastError, throwIfAborted } from '../../errors.ts'
import { ReceivedBody } from '../direct/received-body.ts'
import { defaultMinimumProgress, type MinimumProgress, progressing } from '../progress.ts'
import { defaultRetryPolicy, pauseBefore, type RetryContext, withRetry } from '../retry.ts'
import { BufferPool } from '../source/buffer-pool.ts'
import { release } from '../source/chunks-of.ts'
import { ObjectStream } from '../source/object-stream.ts'

/**
 * Bytes per millisecond above which a connection is fast. S3 delivers 85 to 90 MB/s over one connection, so an object
 * is read over several:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-design-patterns.html. On a faster
 * connection, this process is the bottleneck.
 */
const fastConnection = 100_000

/** How `resumingStream` requests the bytes of an object. */
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
  /** How many threads receive ranges, if the reader has shared memory. Default: 1, this thread. */
  readonly threads?: number | undefined
  /**
   * Requests the bytes from `start` to `end` (exclusive) of the same body. `inThread` states that another thread may receive
   * them into shared memory. Rejects with a Holdfast error.
   */
  readonly reopen: (start: number, end: number, inThread: boolean) => Promise<Readable>
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
 * The first range measures the speed of a connection. The rest is read over one connection if it is fast and this thread
 * receives it, and over several at once if not.
 */
export function resumingStream(options: ResumingStreamOptions): ObjectStream {
  const stop = new AbortController()
  const { signal: callers } = options.retry
  const signal = callers === undefined ? stop.signal : AbortSignal.any([callers, stop.signal])
  const stoppable = { ...options, retry: { ...options.retry, signal } }
  // The signal also ends a body that is never read.
  addAbortSignal(signal, options.first)
  options.first.on('error', () => undefined) // the reader of the body gets the error
  return new ObjectStream({
    inThreads: (options.threads ?? 1) > 1,
    pieces: () => inOrder(stoppable, stop, undefined),
    chunks: (bytes, allocate) => {
      const pool = new BufferPool(bytes, allocate)
      return givenBack(inOrder(stoppable, stop, pool), pool)
    },
    cancel() {
      stop.abort()
    },
  })
}

type Chunks = AsyncGenerator<Uint8Array, void, undefined>

interface RangeOptions extends ResumingStreamOptions {
  readonly inThreads?: boolean | undefined
}

interface Range {
  readonly start: number
  readonly end: number
}

/** Yields chunks in buffers of the pool, or as they come if there is none. */
async function* inOrder(
  options: ResumingStreamOptions,
  stop: AbortController,
  pool: BufferPool | undefined,
): Chunks {
  const { start, end, first, firstBytes, now = () => performance.now() } = options
  const inThreads = mayUseThreads(options, pool)
  const rest: Range = { start: Math.min(start + firstBytes, end), end }
  let following: Chunks | undefined
  let passed = 0
  let waited = 0
  try {
    let requestedAt = now()
    for await (const chunk of resuming(options, { start, end: rest.start }, pool, first)) {
      waited += now() - requestedAt
      passed += chunk.byteLength
      // Half-way, so that the response has arrived when it is used.
      if (following === undefined && rest.start < end && passed >= firstBytes / 2) {
        const isFast = passed > waited * fastConnection
        following = begun(
          isFast && !inThreads ? resuming(options, rest, pool) : sideBySide(options, rest, pool, inThreads),
        )
      }
      yield chunk
      requestedAt = now()
    }
    if (following !== undefined) yield* following
  } finally {
    stop.abort()
  }
}

/** Other threads can use shared memory only. */
function mayUseThreads({ threads = 1 }: ResumingStreamOptions, pool: BufferPool | undefined): boolean {
  return threads > 1 && pool?.isShared === true
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

/** Yields ranges in order. Each range is read into memory before it is yielded, by other threads with `inThreads`. */
async function* sideBySide(
  options: ResumingStreamOptions,
  { start, end }: Range,
  pool: BufferPool | undefined,
  inThreads: boolean,
): Chunks {
  const { rangeBytes, rangesAtOnce } = options
  const underWay: Promise<readonly Uint8Array[]>[] = []
  let position = start
  const begin = (): void => {
    // One more range is being yielded.
    while (position < end && underWay.length < Math.max(1, rangesAtOnce - 1)) {
      const range = { start: position, end: Math.min(position + rangeBytes, end) }
      const chunks = Array.fromAsync(resuming({ ...options, inThreads }, range, pool))
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
  { reopen, errorOf, retry, progress = defaultMinimumProgress, inThreads = false }: RangeOptions,
  { start, end }: Range,
  pool: BufferPool | undefined,
  first?: Readable,
): Chunks {
  const { policy = defaultRetryPolicy } = retry
  let position = start
  let fruitless = 0
  let current = first
  while (position < end || current !== undefined) {
    const body: Readable = current ?? (await withRetry(() => reopen(position, end, inThreads), retry))
    current = undefined
    const before = position
    let longer: HoldfastError | undefined
    try {
      if (body !== first && retry.signal !== undefined) addAbortSignal(retry.signal, body)
      refuseLonger(body, retry.what, end - position)
      for await (const chunk of chunksIn(body, pool, retry.what, progress)) {
        throwIfAborted(retry.signal, retry.what)
        if (position + chunk.byteLength > end) throw (longer = longerThan(retry.what, end))
        position += chunk.byteLength
        yield chunk
      }
      if (position < end) throw endedEarly(retry.what, position, end)
    } catch (error) {
      throwIfAborted(retry.signal, retry.what)
      if (longer !== undefined) throw longer
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

/** Throws for a body that is longer than requested, before memory is allocated for it. */
function refuseLonger(body: Readable, what: string, bytes: number): void {
  if (!(body instanceof ReceivedBody) || body.length <= bytes) return
  body.destroy()
  throw new HoldfastError('UNAVAILABLE', `${what} got ${body.length} bytes instead of ${bytes}.`)
}

function chunksIn(
  body: Readable,
  pool: BufferPool | undefined,
  what: string,
  progress: MinimumProgress,
): Chunks {
  if (pool === undefined) return progressing(body, what, progress)
  if (body instanceof ReceivedBody) {
    return progressing(body, what, progress, { chunks: body.into(pool), received: () => body.received })
  }
  return copied(progressing(body, what, progress), pool)
}

/** Copies pieces of any size into buffers of a pool. If the pieces fail, yields what was copied before it throws. */
async function* copied(pieces: Chunks, pool: BufferPool): Chunks {
  let buffer = pool.take()
  let filled = 0
  let failure: { readonly error: unknown } | undefined
  try {
    for await (const piece of pieces) {
      for (let taken = 0; taken < piece.byteLength; ) {
        const part = piece.subarray(taken, taken + buffer.byteLength - filled)
        buffer.set(part, filled)
        filled += part.byteLength
        taken += part.byteLength
        if (filled < buffer.byteLength) continue
        yield buffer
        buffer = pool.take()
        filled = 0
      }
      release(piece) // The piece came from a socket, so nothing else uses its memory.
    }
  } catch (error) {
    failure = { error }
  }
  if (filled > 0) yield buffer.subarray(0, filled)
  if (failure !== undefined) throw failure.error
}

/** Gives the buffer of each chunk back to the pool when the consumer asks for the second chunk after it. */
async function* givenBack(chunks: Chunks, pool: BufferPool): Chunks {
  let before: Uint8Array | undefined
  for await (const chunk of chunks) {
    yield chunk
    if (before !== undefined) pool.give(before)
    before = chunk
  }
}

/** The error says nothing of the object: a proxy or a store that ignores ranges sends more than was requested. */
function longerThan(what: string, end: number): HoldfastError {
  return new HoldfastError(
    'UNAVAILABLE',
    `${what} got bytes beyond byte ${end}, which were not requested. Check whether a proxy removes the header Range.`,
  )
}

function endedEarly(what: string, position: number, end: number): HoldfastError {
  return new HoldfastError('UNAVAILABLE', `${what} ended at byte ${position} of ${end}.`)
}
