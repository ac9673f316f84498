import { positiveNumber, wholeNumber } from '../../scripts/parts/command-line.ts'
import type { Scale } from './harness/scale.ts'

/** The options that are numbers, as the command states them. */
export interface NumberOptions {
  readonly minutes?: string | undefined
  readonly rounds?: string | undefined
  readonly mebibytes?: string | undefined
  readonly files?: string | undefined
  readonly threads?: string | undefined
}

/** Returns what the options change in the scale of each group. Throws `UsageError` for an invalid number. */
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

/** Returns the minutes that the options allow. Throws `UsageError` for an invalid number. */
export function minutesOf({ minutes }: NumberOptions): number | undefined {
  return minutes === undefined ? undefined : positiveNumber('--minutes', minutes)
}
