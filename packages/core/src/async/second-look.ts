import { isHoldfastError } from '../errors.ts'

/** The number of a read: the second one uses a new connection, since a connection can damage everything that passes it. */
export type Look = 1 | 2

/**
 * Reads a second time if the first read rejects with `CORRUPT`, and settles as the second read does.
 *
 * Bytes can be damaged in transit, and a device can fail for a moment. Only damage that persists is in the store.
 */
export async function withSecondLook<T>(read: (look: Look) => Promise<T>): Promise<T> {
  try {
    return await read(1)
  } catch (error) {
    if (!isHoldfastError(error, 'CORRUPT')) throw error
    return read(2)
  }
}
