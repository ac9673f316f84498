import { isHoldfastError } from '../errors.ts'

/**
 * The number of a read. The second read uses a new connection, because a connection can damage everything it transfers.
 */
export type Look = 1 | 2

/**
 * Reads again if the first read rejects with `CORRUPT`, and settles as the second read does.
 *
 * Bytes can be damaged in transit, and a device can fail temporarily. Only damage that persists is in the store.
 */
export async function withSecondLook<T>(read: (look: Look) => Promise<T>): Promise<T> {
  try {
    return await read(1)
  } catch (error) {
    if (!isHoldfastError(error, 'CORRUPT')) throw error
    return read(2)
  }
}
