import { fromNodeError, type HoldfastError, nodeErrorCode } from '@holdfast/core'

/** Whether a system call failed for one of these reasons. */
export function failedWith(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(nodeErrorCode(error) ?? '')
}

/** The error of a call on a key, in the terms of the port. */
export function keyError(error: unknown, what: string, key: string, url: string): HoldfastError {
  return fromNodeError(error, what, { key, url })
}
