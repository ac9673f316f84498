import { type ErrorCode, HoldfastError } from '../errors.ts'
import { fromNodeError, nodeErrorCode } from '../node-errors.ts'

/**
 * Codes that would be read as a statement about the checkpoint: that it does not exist, that it exists already, or that
 * it is corrupt. An error of the destination never has one of them.
 */
const codesOfCheckpoints: ReadonlySet<ErrorCode> = new Set(['NOT_FOUND', 'ALREADY_EXISTS', 'CORRUPT'])

/** Runs one call on the destination, and turns its failure into the error of a destination. `what` names the call. */
export async function atDestination<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw destinationError(error, what)
  }
}

export function destinationError(error: unknown, what: string): HoldfastError {
  if (error instanceof HoldfastError) return error
  const known = fromNodeError(error, what)
  if (!codesOfCheckpoints.has(known.code)) return known
  const advice =
    known.code === 'NOT_FOUND'
      ? 'Another program removed it, or no folder can be created there. Restore again, or to another folder.'
      : 'Restore to another folder.'
  return new HoldfastError('UNAVAILABLE', `${known.message} ${advice}`, { cause: error, retryable: false })
}

/** Returns the result of a call, or `undefined` if the call failed because a file or folder does not exist. */
export async function ifThere<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    if (nodeErrorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Returns what `ifThere` returns, and also `undefined` if a file is in the place of a folder of the path. */
export async function ifReachable<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ifThere(call)
  } catch (error) {
    if (nodeErrorCode(error) === 'ENOTDIR') return undefined
    throw error
  }
}

/** Creates the error for a destination that cannot be used. */
export function refused(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}
