const sizeUnits = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'] as const

/** Formats bytes in powers of 1000, as the command line does: `512 MB`, `1.2 GB`. */
export function formatSize(bytes: number): string {
  let value = bytes
  let unit = 0
  while (Math.abs(value) >= 999.5 && unit < sizeUnits.length - 1) {
    value /= 1000
    unit += 1
  }
  const digits = unit > 0 && Math.abs(value) < 9.95 ? value.toFixed(1) : value.toFixed(0)
  return `${digits} ${sizeUnits[unit] ?? 'B'}`
}

/** Formats milliseconds as `850 ms`, `40 s`, `3 min`, `4 h` or `5 d`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 999.5) return `${milliseconds.toFixed(0)} ms`
  const seconds = milliseconds / 1000
  if (seconds < 9.95) return `${Number(seconds.toFixed(1))} s`
  if (seconds < 119.5) return `${seconds.toFixed(0)} s`
  if (seconds < 7170) return `${(seconds / 60).toFixed(0)} min`
  return seconds < 171_000 ? `${(seconds / 3600).toFixed(0)} h` : `${(seconds / 86_400).toFixed(0)} d`
}

/** Formats how long before another time something was. */
export function formatAge(then: number, now: number): string {
  if (then > now) return 'in the future'
  return now - then < 1000 ? 'just now' : `${formatDuration(now - then)} earlier`
}

/** Formats a metric in four significant digits. */
export function formatMetric(value: number | null | undefined): string {
  if (value === undefined || value === null) return ''
  if (Number.isInteger(value)) return String(value)
  return Math.abs(value) >= 1e-3 && Math.abs(value) < 1e6
    ? String(Number(value.toPrecision(4)))
    : value.toExponential(3)
}

export function formatTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('T', ' ').slice(0, 19)
}

/** Returns `1 checkpoint` or `4 checkpoints`. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`
}

/** Shortens long text, such as a hostile reason or name. The whole text stays in the store. */
export function shortened(text: string, length = 200): string {
  const characters = Array.from(text.slice(0, 2 * length))
  return characters.length <= length ? characters.join('') : `${characters.slice(0, length).join('')}…`
}

/** Formats bytes per second. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatSize(bytesPerSecond)}/s`
}
