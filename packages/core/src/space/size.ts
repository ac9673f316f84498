import { HoldfastError } from '../errors.ts'
import { own } from '../records.ts'

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

/** A number of bytes, or a string such as `'200 GB'` (powers of 1000) or `'64 MiB'` (powers of 1024). */
export type Size = number | string

/** Returns bytes. Throws `INVALID_ARGUMENT` for an invalid size. */
export function parseSize(size: Size): number {
  if (typeof size === 'number') {
    if (Number.isSafeInteger(size) && size >= 0) return size
    throw notASize(size)
  }
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(size)
  const unit = own(units, (match?.[2] ?? '').toLowerCase() || 'b')
  const bytes = Math.round(Number(match?.[1]) * (unit ?? Number.NaN))
  if (!Number.isSafeInteger(bytes)) throw notASize(size)
  return bytes
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

function notASize(size: unknown): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(size)} is not a size. Write a number of bytes, or a string such as '10 GB' or '512 MiB'.`,
  )
}
