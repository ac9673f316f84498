import type { HoldfastError } from '../../errors.ts'
import { type RetryEvent, type RetryPolicy, withRetry } from '../retry.ts'
import type { RequestInfo } from './request-info.ts'

/** The settings that all requests to one store share. */
export interface RequestContext {
  readonly retry?: RetryPolicy | undefined
  readonly onRetry?: ((event: RetryEvent) => void) | undefined
  /** Converts what the SDK throws into an error of the port. */
  readonly errorOf: (error: unknown, info: RequestInfo) => HoldfastError
}

/** Sends a request, and retries it while it fails with a retryable error. Rejects with an error of the port. */
export async function requestWithRetry<Answer>(
  context: RequestContext,
  info: RequestInfo,
  send: () => Promise<Answer>,
): Promise<Answer> {
  const { what, signal } = info
  return withRetry(
    async () => {
      try {
        return await send()
      } catch (error) {
        throw context.errorOf(error, info)
      }
    },
    { what, policy: context.retry, signal, onRetry: context.onRetry },
  )
}
