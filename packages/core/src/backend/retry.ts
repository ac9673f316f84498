import { setTimeout as after } from 'node:timers/promises'
import pRetry from 'p-retry'
import { abortedError, HoldfastError, isHoldfastError, throwIfAborted } from '../errors.ts'

/** How often and how patiently a single request is tried again. The only retry authority: an SDK's own is off. */
export interface RetryPolicy {
  /** Attempts in all, the first included. */
  readonly attempts: number
  /** Milliseconds before the second attempt; doubled for each later one, with jitter. */
  readonly minDelay: number
  /** Milliseconds that no pause exceeds. */
  readonly maxDelay: number
}

export const defaultRetryPolicy: RetryPolicy = { attempts: 6, minDelay: 100, maxDelay: 10_000 }

export interface RetryEvent {
  /** What is tried again, such as `put data/x/model.pth part 3`. */
  readonly what: string
  /** The attempt that failed, from 1. */
  readonly attempt: number
  readonly attemptsLeft: number
  readonly error: Error
}

export interface RetryContext {
  readonly what: string
  readonly policy?: RetryPolicy | undefined
  readonly signal?: AbortSignal | undefined
  readonly onRetry?: ((event: RetryEvent) => void) | undefined
}

/**
 * Makes one request, and makes it again while it fails with a retryable error. Rejects with the last error as
 * it was, or with `ABORTED` as soon as the signal fires, also during a pause. A request that succeeds all the same gives
 * its result: what it has made can only be cleaned up by someone who knows of it.
 */
export async function withRetry<T>(
  request: (attempt: number) => Promise<T>,
  context: RetryContext,
): Promise<T> {
  const { what, policy = defaultRetryPolicy, signal, onRetry } = context
  let success: { readonly result: T } | undefined
  const attempt = async (number: number): Promise<T> => {
    const result = await request(number)
    success = { result }
    return result
  }
  try {
    return await pRetry(attempt, {
      retries: policy.attempts - 1,
      minTimeout: policy.minDelay,
      maxTimeout: policy.maxDelay,
      factor: 2,
      randomize: true,
      ...(signal === undefined ? {} : { signal }),
      shouldRetry: ({ error }) => error instanceof HoldfastError && error.retryable,
      onFailedAttempt: ({ error, attemptNumber, retriesLeft }) => {
        if (retriesLeft > 0 && isHoldfastError(error) && error.retryable) {
          onRetry?.({ what, attempt: attemptNumber, attemptsLeft: retriesLeft, error })
        }
      },
    })
  } catch (error) {
    if (success !== undefined) return success.result
    if (signal?.aborted === true && !isHoldfastError(error)) throw abortedError(signal, what)
    throw error
  }
}

/** The pause before an attempt, from 2. Rejects with `ABORTED` when the signal fires. */
export async function pauseBefore(
  attempt: number,
  { what, policy = defaultRetryPolicy, signal }: RetryContext,
): Promise<void> {
  const longest = Math.min(policy.maxDelay, policy.minDelay * 2 ** (attempt - 2))
  const options = signal === undefined ? {} : { signal }
  await after(Math.random() * longest, undefined, options).catch(() => undefined)
  throwIfAborted(signal, what)
}
