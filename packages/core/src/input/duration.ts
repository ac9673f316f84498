import * as v from 'valibot'
import { HoldfastError } from '../errors.ts'
import { own } from './records.ts'
import { shown } from './shown.ts'

const units: Readonly<Record<Unit, number>> = {
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

type Unit = 'ms' | 's' | 'min' | 'h' | 'd' | 'w'

/**
 * Milliseconds, or a string such as `'30 min'`, `'4h'` or `'2 d'` (ms, s, min, h, d, w). There is no unit `m`, which could mean
 * minutes or months. `parseDuration` converts a string that the compiler does not know.
 */
export type Duration = number | `${number}${'' | ' '}${Unit}`

/** The schema of a duration in a configuration file. */
export const durationSchema = v.union(
  [v.pipe(v.number(), v.finite(), v.minValue(0)), v.pipe(v.string(), v.guard(isDuration))],
  ({ input }) => notADuration(input),
)

/** Returns milliseconds. Throws `INVALID_ARGUMENT` for an invalid duration. */
export function parseDuration(duration: number | string): number {
  const milliseconds = typeof duration === 'number' ? duration : millisecondsOf(duration)
  if (Number.isFinite(milliseconds) && milliseconds >= 0) return milliseconds
  throw invalid(`${notADuration(duration)}.`)
}

/** The values that an option may have, besides that it is at least 0, and the URL of its store. */
interface DurationOption {
  /** The option must be greater. */
  readonly above?: number | undefined
  /** The largest value. `Infinity` allows an infinite duration. */
  readonly most?: number | undefined
  /** The URL of the errors, without secrets. */
  readonly url?: string | undefined
}

/** Returns the milliseconds of an option. Throws `INVALID_ARGUMENT`, with the name of the option, if it is out of range. */
export function durationOf(name: string, value: Duration, { above, most, url }: DurationOption = {}): number {
  const milliseconds = typeof value === 'number' ? value : millisecondsOf(value)
  if (!(milliseconds >= 0) || (milliseconds === Infinity && most !== Infinity))
    throw invalid(`${name}: ${notADuration(value)}.`, url)
  if (above !== undefined && milliseconds <= above)
    throw invalid(`${name} must be more than ${above} ms, not ${shown(value)}.`, url)
  if (most !== undefined && milliseconds > most)
    throw invalid(`${name} must be at most ${most} ms, not ${shown(value)}.`, url)
  return milliseconds
}

function isDuration(text: string): text is Exclude<Duration, number> {
  return Number.isFinite(millisecondsOf(text))
}

/** Returns milliseconds; NaN if the text is no duration. */
function millisecondsOf(text: unknown): number {
  const match = typeof text === 'string' ? /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/i.exec(text) : null
  const unit = own<number>(units, (match?.[2] ?? '').toLowerCase())
  return Number(match?.[1]) * (unit ?? Number.NaN)
}

function notADuration(given: unknown): string {
  return `${shown(given)} is not a duration. Write milliseconds, or a string such as '30 min', '4 h' or '2 d'`
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

function invalid(message: string, url?: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message, { url })
}
