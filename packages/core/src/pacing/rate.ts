import { HoldfastError } from '../errors.ts'
import { parseSize } from '../space/index.ts'

/** A number of bytes per second, or a string such as `'200 MB/s'` (powers of 1000) or `'64 MiB/s'` (powers of 1024). */
export type Rate = number | string

/** The lowest limit in bytes per second. Below it, requests would wait longer for their bytes than stores allow. */
const lowestRate = 100_000

/** Returns bytes per second. Throws `INVALID_ARGUMENT` for an invalid rate, with `name` in the message. */
export function parseRate(rate: Rate, name = 'A rate'): number {
  const bytes = bytesPerSecond(rate)
  if (bytes === undefined)
    throw invalid(
      `${name} must be a number of bytes per second, or a string such as '200 MB/s' or '64 MiB/s', not ${JSON.stringify(rate)}.`,
    )
  if (bytes >= lowestRate) return bytes
  throw invalid(`${name} must be at least 100 KB/s, not ${JSON.stringify(rate)}.`)
}

function bytesPerSecond(rate: Rate): number | undefined {
  if (typeof rate === 'number') return Number.isFinite(rate) && rate >= 0 ? rate : undefined
  const size = /^(\s*[\d.]+\s*[a-z]+)\s*\/\s*s\s*$/i.exec(rate)?.[1]
  if (size === undefined) return undefined
  try {
    return parseSize(size)
  } catch (error) {
    if (error instanceof HoldfastError) return undefined
    throw error
  }
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}
