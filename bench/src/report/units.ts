import type { Unit } from '../harness/work.ts'

/** Returns a value with its unit. */
export function valueText(value: number, unit: Unit): string {
  switch (unit) {
    case 'ms':
      return value >= 10_000 ? `${(value / 1000).toFixed(1)} s` : `${rounded(value)} ms`
    case 'us':
      return value >= 10_000 ? `${(value / 1000).toFixed(0)} ms` : `${rounded(value)} µs`
    case 'bytes':
      return bytesText(value)
    case 'requests':
      return String(value)
    case 'percent':
      return `${value.toFixed(1)} %`
  }
}

export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB']
  const power = bytes <= 0 ? 0 : Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(bytes) / 10)))
  const scaled = bytes / 1024 ** power
  return `${Number.isInteger(scaled) ? scaled : rounded(scaled)} ${units[power] ?? ''}`
}

export function durationText(seconds: number): string {
  const whole = Math.round(seconds)
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}

/** Returns three significant digits, without an exponent. */
function rounded(value: number): string {
  return value >= 1000 ? value.toFixed(0) : value.toPrecision(3)
}
