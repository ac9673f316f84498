import { type Duration, HoldfastError } from '@holdfast/core'
import { durationOf, longestTimer } from '@holdfast/core/backend'
import { type AdoptionOptions, adoptionOptions, assertOptions } from '../options.ts'
import type { Ending } from './endings.ts'
import type { RunEvent } from './events.ts'
import type { SignalSource } from './stop-requests.ts'

/** The options of `runProgram()`. */
export interface RunOptions extends Omit<AdoptionOptions, 'consume' | 'signal' | 'onEvent' | 'clock'> {
  /** How often the program is started again after it failed. Default: 5. */
  readonly restarts?: number | undefined
  /** The pause before the first restart, such as `'10 s'`, or milliseconds. Default: 1 second. */
  readonly restartDelay?: Duration | undefined
  /** The time from a signal that requests a stop to the end of the run, such as `'2 min'`, or milliseconds. Default: 25 seconds. */
  readonly grace?: Duration | undefined
  /** Whether the program's standard output becomes standard error. Default: false. */
  readonly outputToStderr?: boolean | undefined
  /** The environment of the program. Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv | undefined
  readonly onEvent?: ((event: RunEvent) => void) | undefined
  /** Where signals come from. Default: those of this process. */
  readonly signals?: SignalSource | undefined
}

/** How `runProgram()` ended, and what it did not save. */
export interface RunReport {
  /** That of the program, or of the signal that stopped the run before a program was started. */
  readonly exitCode: number
  /** How the program ended last; `undefined` if none was started. */
  readonly ending: Ending | undefined
  readonly restarts: number
  /** The signal that requested a stop. */
  readonly stoppedBy: NodeJS.Signals | undefined
  /** Checkpoints that the store does not have although they are complete, and why. */
  readonly unsaved: readonly { readonly name: string; readonly error: HoldfastError }[]
  /** Whether the grace was over, or a second signal came, before everything was saved. */
  readonly isCutShort: boolean
}

/** Throws `INVALID_ARGUMENT` for a command or options that no run can have. */
export function assertRunOptions(command: readonly string[], options: RunOptions): void {
  const taken = ['consume', 'signal', 'clock']
  const own = ['restarts', 'restartDelay', 'grace', 'outputToStderr', 'env', 'signals']
  assertOptions(options, [...adoptionOptions.filter((name) => !taken.includes(name)), ...own], 'runProgram')
  const { restarts } = options
  if (command.length === 0) throw invalid('The command must have at least one word, the program.')
  if (restarts !== undefined && !(Number.isSafeInteger(restarts) && restarts >= 0))
    throw invalid(`restarts must be a whole number from 0, not ${restarts}.`)
  restartDelayOf(options)
  graceOf(options)
}

/** Returns the pause in milliseconds. Throws `INVALID_ARGUMENT` if it is not a duration. */
export function restartDelayOf({ restartDelay = '1 s' }: RunOptions): number {
  return durationOf('restartDelay', restartDelay, { most: longestTimer })
}

/** Returns the time in milliseconds. Throws `INVALID_ARGUMENT` if it is not a duration. */
export function graceOf({ grace = '25 s' }: RunOptions): number {
  return durationOf('grace', grace, { most: longestTimer })
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}
