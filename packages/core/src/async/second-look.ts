import { isHoldfastError } from '../errors.ts'

/**
 * Reads again once if what was read is corrupt, and rejects with what the second read finds. Bytes can be damaged on
 * their way here, and a device can fail for a moment; only damage that persists is damage of the store.
 */
export async function withSecondLook<T>(read: (look: 1 | 2) => Promise<T>): Promise<T> {
  try {
    return await read(1)
  } catch (error) {
    if (!isHoldfastError(error, 'CORRUPT')) throw error
    return read(2)
  }
}
