import { HoldfastError } from '../errors.ts'
import type { ReadOptions } from './backend.ts'

/**
 * Returns the range of bytes to read from an object of `size` bytes; `end` is exclusive. A range that reaches past the
 * end is cut. Throws `INVALID_ARGUMENT` for a range that begins past the end or ends before it begins.
 */
export function resolveRange(
  range: ReadOptions['range'],
  size: number,
  key: string,
  url: string,
): { readonly start: number; readonly end: number } {
  if (range === undefined) return { start: 0, end: size }
  const { start, end = size } = range
  const valid =
    Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= size && start <= end
  if (!valid) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `The range ${start} to ${end} is outside of ${key}, which has ${size} bytes.`,
      { key, url },
    )
  }
  return { start, end: Math.min(end, size) }
}
