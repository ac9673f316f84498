import type { Scale } from './harness/scale.ts'

/** The options that are numbers, as the command states them. */
export interface NumberOptions {
  readonly minutes?: string | undefined
  readonly rounds?: string | undefined
  readonly mebibytes?: string | undefined
  readonly files?: string | undefined
  readonly threads?: string | undefined
}

/** Returns what the options change in the scale of each group. Throws for an invalid number. */
export function scaleOf({ rounds, mebibytes, files, threads }: NumberOptions): Partial<Scale> {
  return {
    ...(rounds === undefined ? {} : { rounds: wholeNumber('--rounds', rounds) }),
    ...(mebibytes === undefined ? {} : { bytes: wholeNumber('--mebibytes', mebibytes) * 2 ** 20 }),
    ...(files === undefined ? {} : { files: wholeNumber('--files', files) }),
    ...(threads === undefined
      ? {}
      : { threads: threads.split(',').map((count) => wholeNumber('--threads', count)) }),
  }
}

/** Returns the minutes that the options allow. Throws for an invalid number. */
export function minutesOf({ minutes }: NumberOptions): number | undefined {
  if (minutes === undefined) return undefined
  const value = Number(minutes)
  if (/^\d+(\.\d+)?$/.test(minutes) && value > 0) return value
  throw new Error(`--minutes must be a positive number, not ${JSON.stringify(minutes)}.`)
}

function wholeNumber(option: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new Error(`${option} must be a positive integer, not ${JSON.stringify(text)}.`)
}
