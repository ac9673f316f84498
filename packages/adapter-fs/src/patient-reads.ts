import { HoldfastError, isUnreadable, throwIfAborted, withRetry } from '@holdfast/core/backend'
import { keyError } from './errors.ts'

/** A device repeats a failed read by itself, so a few attempts show that the failure persists. */
const retry = { attempts: 3, minDelay: 20, maxDelay: 100 }

export interface PatientRead {
  /** A description of the read, such as `reading /a/b`. */
  readonly what: string
  readonly key?: string | undefined
  readonly url: string
  readonly signal?: AbortSignal | undefined
}

/**
 * Repeats a read that fails for a while. If the device or the file system still cannot return the bytes, they are lost:
 * rejects with `CORRUPT`. Other failures, such as a busy file or a network that does not respond, keep their code.
 */
export async function readPatiently<T>(
  read: (attempt: number) => Promise<T>,
  patience: PatientRead,
): Promise<T> {
  try {
    return await repeatRead(read, patience)
  } catch (error) {
    const { what, key, url } = patience
    throw isUnreadable(error) ? unreadable(keyError(error, what, key, url)) : error
  }
}

/**
 * Repeats a read that fails for a while. Rejects with the last error, whatever it means for the bytes. A list reads the metadata of
 * every file in this way, so a read that succeeds costs little more than itself.
 */
export async function repeatRead<T>(
  read: (attempt: number) => Promise<T>,
  { what, key, url, signal }: PatientRead,
): Promise<T> {
  throwIfAborted(signal, what)
  let first: unknown
  try {
    return await read(1)
  } catch (error) {
    first = error
  }
  return withRetry(
    async (attempt) => {
      try {
        if (attempt === 1) throw first
        return await read(attempt)
      } catch (error) {
        throw keyError(error, what, key, url)
      }
    },
    { what, policy: retry, signal },
  )
}

function unreadable(error: HoldfastError): HoldfastError {
  return new HoldfastError('CORRUPT', error.message, { key: error.key, url: error.url, cause: error.cause })
}
