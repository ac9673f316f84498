import pRetry from 'p-retry'
import { longestTimer } from '../async/longest-timer.ts'
import { pauseFor } from '../async/pause-for.ts'
import { abortedError, isHoldfastError, throwIfAborted } from '../errors.ts'
import { overloadOf } from './overload.ts'

/** How often a request is retried, and after which pauses. Nothing else retries: the retries of SDKs are off. */
export interface RetryPolicy {
  /**
   * The number of attempts, including the first. A request that the store refuses because it is overloaded has twice as many
   * retries: a store recovers from that in seconds or minutes, and its responses show that it can be reached. A response of
   * a proxy or of another server does not count as one of the store.
   */
  readonly attempts: number
  /** Milliseconds before the second attempt. Each later pause is twice as long. All pauses have jitter. */
  readonly minDelay: number
  /**
   * The longest pause in milliseconds. If an overloaded store asks for a longer one, it is kept up to 30 seconds, and up to a
   * minute in total.
   */
  readonly maxDelay: number
}

/**
 * The retry policy of a backend that sets none. It waits for 3 to 6.2 seconds in total, and for 42.7 to 52.6 seconds if the
 * store is overloaded. An overloaded store that asks for longer pauses extends this by a minute at most.
 */
export const defaultRetryPolicy: RetryPolicy = { attempts: 6, minDelay: 100, maxDelay: 10_000 }

/** The longest pause in milliseconds for which an overloaded store can ask. */
const longestRetryAfter = 30_000

/** Milliseconds by which an overloaded store can extend all pauses of one request together. */
const longestExtension = 60_000

/** A request that failed and is retried after a pause. */
export interface RetryEvent {
  /** The request that is retried, such as `put data/x/model.pth part 3`. */
  readonly what: string
  /** The number of the attempt that failed. The first is 1. */
  readonly attempt: number
  /** The largest number of attempts that follow. Failures that are none of an overloaded store use it up faster. */
  readonly attemptsLeft: number
  readonly error: Error
}

/** What `withRetry` needs besides the request. */
export interface RetryContext {
  readonly what: string
  readonly policy?: RetryPolicy | undefined
  readonly signal?: AbortSignal | undefined
  readonly onRetry?: ((event: RetryEvent) => void) | undefined
  /** Waits for milliseconds. Default: the clock of this process. */
  readonly pause?: typeof pauseFor | undefined
}

/**
 * Sends a request, and retries it while it fails with a retryable error. Rejects with the last error unchanged, or with
 * `ABORTED` as soon as the signal fires, also during a pause. If the request succeeds although the signal fired, the
 * result is returned, so that the caller can clean up what the request created.
 */
export async function withRetry<T>(
  request: (attempt: number) => Promise<T>,
  context: RetryContext,
): Promise<T> {
  const { what, policy = defaultRetryPolicy, signal, onRetry, pause = pauseFor } = context
  const retries = policy.attempts - 1
  let failures = 0
  let extension = 0
  let attemptsLeft = 0
  let success: { readonly result: T } | undefined
  const attempt = async (number: number): Promise<T> => {
    const result = await request(number)
    success = { result }
    return result
  }
  try {
    return await pRetry(attempt, {
      retries: 2 * retries,
      minTimeout: Math.min(policy.minDelay, longestTimer),
      maxTimeout: Math.min(policy.maxDelay, longestTimer),
      factor: 2,
      randomize: true,
      ...(signal === undefined ? {} : { signal }),
      shouldRetry: () => attemptsLeft > 0,
      onFailedAttempt: async ({ error, attemptNumber, retriesLeft, retryDelay }) => {
        const overload = overloadOf(error)
        if (overload === undefined) failures += 1
        const isRetryable = isHoldfastError(error) && error.retryable
        const failuresLeft = overload === undefined ? policy.attempts - failures : retriesLeft
        attemptsLeft = isRetryable ? Math.min(retriesLeft, failuresLeft) : 0
        if (attemptsLeft === 0) return
        onRetry?.({ what, attempt: attemptNumber, attemptsLeft, error })
        const wanted = Math.min(overload?.retryAfter ?? 0, longestRetryAfter)
        const longer = Math.min(wanted - retryDelay, longestExtension - extension)
        if (longer <= 0) return
        extension += longer
        await pause(longer, signal)
      },
    })
  } catch (error) {
    if (success !== undefined) return success.result
    if (signal?.aborted === true && !isHoldfastError(error)) throw abortedError(signal, what)
    throw error
  }
}

/** Waits before an attempt, whose number is 2 or more. Rejects with `ABORTED` if the signal fires. */
export async function pauseBefore(
  attempt: number,
  { what, policy = defaultRetryPolicy, signal }: RetryContext,
): Promise<void> {
  const longest = Math.min(policy.maxDelay, policy.minDelay * 2 ** (attempt - 2))
  await pauseFor(Math.random() * longest, signal).catch(() => undefined)
  throwIfAborted(signal, what)
}
