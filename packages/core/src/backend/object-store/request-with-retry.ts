import type { HoldfastError } from '../../errors.ts'
import { type RetryEvent, type RetryPolicy, withRetry } from '../retry.ts'
import type { RequestInfo } from './request-info.ts'

/** What all requests to one store have in common. */
export interface RequestContext {
  readonly retry?: RetryPolicy | undefined
  readonly onRetry?: ((event: RetryEvent) => void) | undefined
  /** Turns what the SDK throws into the terms of the port. */
  readonly errorOf: (error: unknown, asked: RequestInfo) => HoldfastError
}

/** Makes one request, and makes it again while it fails for a passing reason. Rejects in the terms of the port. */
export async function requestWithRetry<Answer>(
  context: RequestContext,
  asked: RequestInfo,
  send: () => Promise<Answer>,
): Promise<Answer> {
  const { what, signal } = asked
  return withRetry(
    async () => {
      try {
        return await send()
      } catch (error) {
        throw context.errorOf(error, asked)
      }
    },
    { what, policy: context.retry, signal, onRetry: context.onRetry },
  )
}
