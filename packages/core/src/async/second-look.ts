import { isHoldfastError } from '../errors.ts'

/**
 * Reads a second time if the first read rejects with `CORRUPT`, and settles as the second read does.
 *
 * Bytes can be damaged in transit, and a device can fail for a moment. Only damage that persists is in the store.
 */
export async function withSecondLook<T>(read: (look: 1 | 2) => Promise<T>): Promise<T> {
  try {
    return await read(1)
  } catch (error) {
    if (!isHoldfastError(error, 'CORRUPT')) throw error
    return read(2)
  }
}
