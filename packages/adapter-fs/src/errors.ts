import { fromNodeError, HoldfastError, locatedError, nodeErrorCode } from '@holdfast/core/backend'

/** Returns whether a system call failed with one of these codes. */
export function failedWith(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(nodeErrorCode(error) ?? '')
}

/** Returns the error of the port for a failed call on a key or on the store. The error has the key and the URL. */
export function keyError(error: unknown, what: string, key: string | undefined, url: string): HoldfastError {
  if (error instanceof HoldfastError) return locatedError(error, key, url)
  return fromNodeError(error, what, { key, url })
}
