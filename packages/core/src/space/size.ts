import * as v from 'valibot'
import { HoldfastError } from '../errors.ts'
import { own } from '../input/records.ts'
import { shown } from '../input/shown.ts'

const units: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  pb: 1e15,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
  pib: 2 ** 50,
}

type Unit = 'B' | `${'K' | 'M' | 'G' | 'T' | 'P'}${'B' | 'iB'}`

/**
 * A number of bytes, or a string such as `'200 GB'` (powers of 1000) or `'64MiB'` (powers of 1024). `parseSize` converts a string
 * that the compiler does not know.
 */
export type Size = number | `${number}${'' | ' '}${Unit}`

/** The schema of a size in a configuration file. */
export const sizeSchema = v.union([v.number(), v.pipe(v.string(), v.guard(isSize))], ({ input }) =>
  notASize(input),
)

/** Returns bytes. Throws `INVALID_ARGUMENT` for an invalid size. */
export function parseSize(size: number | string): number {
  const bytes = typeof size === 'number' ? size : bytesOf(size)
  if (Number.isSafeInteger(bytes) && bytes >= 0) return bytes
  throw new HoldfastError('INVALID_ARGUMENT', `${notASize(size)}.`)
}

/** Returns whether `parseSize` accepts a text. */
export function isSize(text: string): text is Exclude<Size, number> {
  return Number.isSafeInteger(bytesOf(text))
}

/** Returns bytes; NaN if the text is no size. */
function bytesOf(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text)
  const unit = own(units, (match?.[2] ?? '').toLowerCase() || 'b')
  return Math.round(Number(match?.[1]) * (unit ?? Number.NaN))
}

const decimalUnits = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'] as const

/** Formats bytes in powers of 1000 with at most three digits, such as `512 MB` or `1.2 GB`. */
export function formatSize(bytes: number): string {
  let value = bytes
  let unit = 0
  while (Math.abs(value) >= 999.5 && unit < decimalUnits.length - 1) {
    value /= 1000
    unit += 1
  }
  const digits = unit > 0 && Math.abs(value) < 9.95 ? value.toFixed(1) : value.toFixed(0)
  return `${digits} ${decimalUnits[unit] ?? 'B'}`
}

function notASize(given: unknown): string {
  return `${shown(given)} is not a size. Write a number of bytes, or a string such as '10 GB' or '512 MiB'`
}
