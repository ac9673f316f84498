import { resolve } from 'node:path'
import { type CheckpointStore, HoldfastError } from '@holdfast/core'
import { type AdoptionOptions, adoptionOptions, assertOptions } from '../options.ts'
import { FolderClaim } from './claim.ts'
import type { Ending } from './endings.ts'
import type { RunEvent } from './events.ts'
import { processSignals, type SignalSource, StopRequests } from './stop-requests.ts'
import { Supervisor } from './supervisor.ts'

export interface RunOptions extends Omit<AdoptionOptions, 'consume' | 'signal' | 'onEvent' | 'clock'> {
  /** How often the program is started again after it failed. Default: 5. */
  readonly restarts?: number | undefined
  /** Milliseconds before the first restart. Default: 1,000. */
  readonly restartDelay?: number | undefined
  /** Milliseconds from a signal that asks for a stop to the end of the run. Default: 25,000. */
  readonly grace?: number | undefined
  /** Whether the program's standard output becomes standard error. Default: false. */
  readonly outputToStderr?: boolean | undefined
  /** The environment of the program. Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv | undefined
  readonly onEvent?: ((event: RunEvent) => void) | undefined
  /** Where signals come from. Default: those of this process. */
  readonly signals?: SignalSource | undefined
}

export interface RunReport {
  /** That of the program, or of the signal that stopped the run before a program was started. */
  readonly exitCode: number
  /** How the program ended last; `undefined` if none was started. */
  readonly ending: Ending | undefined
  readonly restarts: number
  /** The signal that asked for a stop. */
  readonly stoppedBy: NodeJS.Signals | undefined
  /** Checkpoints that the store does not have although they are complete, and why. */
  readonly unsaved: readonly { readonly name: string; readonly error: HoldfastError }[]
  /** Whether the grace was over, or a second signal came, before everything was saved. */
  readonly isCutShort: boolean
}

const defaultGrace = 25_000
/** Timers of Node.js take no longer times. */
const longestTime = 2 ** 31 - 1

/**
 * Runs a program under supervision: restores the latest checkpoint into the folder, starts the program, adopts the checkpoints
 * that it writes, passes signals on, and starts it again if it fails. Resolves when the program has finished or is not
 * started again, and what it wrote is saved.
 *
 * Rejects with `FENCED` if another supervisor works in the folder or another writer takes the store over, with
 * `INVALID_ARGUMENT` for wrong options or a program that does not exist, and with the error of the store if it cannot be read
 * before the first start. The program is ended first.
 *
 * @example
 * const { exitCode } = await runProgram(store, 'out', ['python', 'train.py', '--resume', 'out'])
 */
export async function runProgram(
  store: CheckpointStore,
  folder: string,
  command: readonly string[],
  options: RunOptions = {},
): Promise<RunReport> {
  assertRunOptions(command, options)
  const tell = options.onEvent ?? (() => undefined)
  using stop = new StopRequests(options.signals ?? processSignals, options.grace ?? defaultGrace, {
    onForwarded: (signal) => {
      tell({ type: 'forwarded', signal })
    },
    onKilled: () => {
      tell({ type: 'killed' })
    },
  })
  await using claim = await FolderClaim.take(resolve(folder))
  return await new Supervisor(store, resolve(folder), command, { claim, stop, tell, options }).run()
}

function assertRunOptions(command: readonly string[], options: RunOptions): void {
  const taken = ['consume', 'signal', 'clock']
  const own = ['restarts', 'restartDelay', 'grace', 'outputToStderr', 'env', 'signals']
  assertOptions(options, [...adoptionOptions.filter((name) => !taken.includes(name)), ...own], 'runProgram')
  const { restarts, restartDelay, grace } = options
  if (command.length === 0) throw invalid('The command must have at least one word, the program.')
  if (restarts !== undefined && !(Number.isSafeInteger(restarts) && restarts >= 0))
    throw invalid(`restarts must be a whole number from 0, not ${restarts}.`)
  for (const [name, value] of Object.entries({ restartDelay, grace }))
    if (value !== undefined && !(value >= 0 && value <= longestTime))
      throw invalid(`${name} must be a number of milliseconds from 0 to ${longestTime}, not ${value}.`)
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}
