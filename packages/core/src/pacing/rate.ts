import * as v from 'valibot'
import { HoldfastError } from '../errors.ts'
import { isSize, parseSize, type Size } from '../space/index.ts'
import { shown } from '../input/shown.ts'

/** A number of bytes per second, or a string such as `'200 MB/s'` (powers of 1000) or `'64MiB/s'` (powers of 1024). */
export type Rate = number | `${Exclude<Size, number>}/s`

/** The schema of a rate in a configuration file. */
export const rateSchema = v.union(
  [v.number(), v.pipe(v.string(), v.guard(isRate))],
  "Write a number of bytes per second, or a string such as '200 MB/s' or '64 MiB/s'",
)

/** The lowest limit in bytes per second. Below it, requests would wait longer for their bytes than stores allow. */
const lowestRate = 100_000

/** Returns bytes per second. Throws `INVALID_ARGUMENT` for an invalid rate, with `name` in the message. */
export function parseRate(rate: number | string, name = 'A rate'): number {
  const bytes = typeof rate === 'number' ? rate : (bytesPerSecond(rate) ?? NaN)
  if (!Number.isFinite(bytes) || bytes < 0)
    throw invalid(
      `${name} must be a number of bytes per second, or a string such as '200 MB/s' or '64 MiB/s', not ${shown(rate)}.`,
    )
  if (bytes >= lowestRate) return bytes
  throw invalid(`${name} must be at least 100 KB/s, not ${shown(rate)}.`)
}

function isRate(text: string): text is Exclude<Rate, number> {
  return bytesPerSecond(text) !== undefined
}

function bytesPerSecond(rate: string): number | undefined {
  const size = /^(\s*[\d.]+\s*[a-z]+)\s*\/\s*s\s*$/i.exec(rate)?.[1]
  return size === undefined || !isSize(size) ? undefined : parseSize(size)
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}
