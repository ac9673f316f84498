import { type Duration, HoldfastError, type MirrorStatus } from '@holdfast/core'
import { durationOf, longestTimer } from '@holdfast/core/backend'
import { type AdoptionOptions, adoptionOptions, assertOptions } from '../options.ts'
import type { Unsaved } from '../unsaved.ts'
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
  /**
   * Called when the program has ended and is not started again. The run ends when the returned promise has resolved. `signal` fires at
   * the end of the grace, or with a second signal that requests a stop.
   */
  readonly beforeEnd?: ((signal: AbortSignal) => Promise<void>) | undefined
  /** Where signals come from. Default: those of this process. */
  readonly signals?: SignalSource | undefined
}

/** How `runProgram()` ended, and what it did not save. */
export interface RunReport {
  /** That of the program, or of the signal that stopped the run before the program was started, or started again. */
  readonly exitCode: number
  /** How the program ended last; `undefined` if none was started. */
  readonly ending: Ending | undefined
  /** How often the program was started again. */
  readonly restarts: number
  /** The signal that requested a stop. */
  readonly stoppedBy: NodeJS.Signals | undefined
  /** Complete checkpoints in the folder that could not be saved, and why. */
  readonly unsaved: readonly Unsaved[]
  /**
   * Why the folder could not be read or given up after the program had ended last. What it wrote last may not be saved. `undefined`
   * if the folder was read and given up.
   */
  readonly folderError: HoldfastError | undefined
  /** How far the mirror is; `undefined` if the store has none, or could not be read. */
  readonly mirror: MirrorStatus | undefined
  /** Whether the grace was over, or a second signal came, before everything was saved. */
  readonly isCutShort: boolean
}

/** Throws `INVALID_ARGUMENT` for a command or options that no run can have. */
export function assertRunOptions(command: readonly string[], options: RunOptions): void {
  const taken = ['consume', 'signal', 'clock']
  const own = ['restarts', 'restartDelay', 'grace', 'outputToStderr', 'env', 'beforeEnd', 'signals']
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
