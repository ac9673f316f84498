/** Formats milliseconds as `0.7 s`, `3 min` or `4 h`. */
export function formatDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  if (seconds < 119.5) return `${seconds.toFixed(0)} s`
  const minutes = seconds / 60
  if (minutes < 119.5) return `${minutes.toFixed(0)} min`
  const hours = minutes / 60
  return hours < 47.5 ? `${hours.toFixed(0)} h` : `${(hours / 24).toFixed(0)} d`
}

/** Formats how long ago a time was, such as `2 min ago`. */
export function formatAge(then: Date, now: Date): string {
  const age = now.getTime() - then.getTime()
  if (age < 0) return 'in the future'
  return age < 1500
    ? 'just now'
    : `${formatDuration(Math.max(1000, Math.round(age / 1000) * 1000)).replace('.0 s', ' s')} ago`
}

/** Formats a metric in four significant digits. */
export function formatMetric(value: number | undefined): string {
  if (value === undefined) return ''
  if (!Number.isFinite(value) || Number.isInteger(value)) return String(value)
  return Math.abs(value) >= 1e-3 && Math.abs(value) < 1e6
    ? Number(value.toPrecision(4)).toString()
    : value.toExponential(3)
}

/** Shortens a digest to its first four and last two digits. */
export function shortDigest(sha256: string): string {
  return `${sha256.slice(0, 4)}…${sha256.slice(-2)}`
}

/** Returns `1 checkpoint` or `4 checkpoints`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** Joins the parts that are not empty into one line. */
export function joined(...parts: readonly (string | undefined | false)[]): string {
  return parts.filter((part) => typeof part === 'string' && part !== '').join(' · ')
}

/** Names ten steps at most, such as `steps 8, 16 and 24`. */
export function stepsText(steps: readonly number[]): string {
  return numbersText('step', steps)
}

/** The largest number of steps that an advised command names. */
const mostAdvised = 20

/** Returns a command on some steps, such as `holdfast unpin 8 16 24`. Names no steps if they are too many to read. */
export function commandOn(command: string, steps: readonly number[]): string {
  return `holdfast ${command} ${steps.length <= mostAdvised ? steps.join(' ') : 'STEP...'}`
}

/** Advises to pin checkpoints that the next save would drop. */
export function adviceToPin(dropped: readonly number[]): string {
  const them = dropped.length === 1 ? 'it' : 'them'
  return `Pin ${them} to keep ${them}: ${commandOn('pin', dropped)}`
}

/** Names ten numbers at most, such as `ranks 2 and 5`. */
export function numbersText(noun: string, numbers: readonly number[]): string {
  const [only] = numbers
  if (only !== undefined && numbers.length === 1) return `${noun} ${only}`
  const named = numbers.length <= 10 ? numbers.slice(0, -1) : numbers.slice(0, 9)
  const last = numbers.length <= 10 ? String(numbers.at(-1)) : `${numbers.length - 9} more`
  return `${noun}s ${named.join(', ')} and ${last}`
}
