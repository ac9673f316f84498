import { HoldfastError } from '../errors.ts'
import { own } from '../records.ts'

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** Milliseconds, or a string such as `'30 min'`, `'4 h'` or `'2 d'` (ms, s, min, h, d, w). */
export type Duration = number | string

/** Returns milliseconds. Throws `INVALID_ARGUMENT` for an invalid duration. */
export function parseDuration(duration: Duration): number {
  const match = typeof duration === 'string' ? /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/i.exec(duration) : null
  const unit = own(units, (match?.[2] ?? '').toLowerCase())
  const milliseconds = typeof duration === 'number' ? duration : Number(match?.[1]) * (unit ?? Number.NaN)
  if (Number.isFinite(milliseconds) && milliseconds >= 0) return milliseconds
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(duration)} is not a duration. Write milliseconds, or a string such as '30 min', '4 h' or '2 d'.`,
  )
}

/** Returns a rounded duration in the largest unit of which it has at least two, such as `36 h` or `3 d`. */
export function formatAge(milliseconds: number): string {
  const [unit, size] = Object.entries(units).findLast(([, each]) => milliseconds >= 2 * each) ?? ['ms', 1]
  return `${Math.round(milliseconds / size)} ${unit}`
}

/** Returns a duration in the largest unit that is exact, such as `4 h`. */
export function formatInterval(milliseconds: number): string {
  const exact = Object.entries(units).findLast(([, each]) => milliseconds % each === 0)
  const [unit, size] = milliseconds === 0 ? ['s', 1] : (exact ?? ['ms', 1])
  return `${milliseconds / size} ${unit}`
}
