import { fromNodeError, HoldfastError, nodeErrorCode } from '@holdfast/core/backend'

/** Whether a system call failed for one of these reasons. */
export function failedWith(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(nodeErrorCode(error) ?? '')
}

/** The error of a call on a key, or on the whole store, in the terms of the port; it names both. */
export function keyError(error: unknown, what: string, key: string | undefined, url: string): HoldfastError {
  if (!(error instanceof HoldfastError) || error.url !== undefined)
    return fromNodeError(error, what, { key, url })
  return new HoldfastError(error.code, error.message, {
    key: error.key ?? key,
    url,
    cause: error.cause ?? error,
    retryable: error.retryable,
    hint: error.hint,
  })
}
