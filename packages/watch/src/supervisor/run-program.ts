import { resolve } from 'node:path'
import { type CheckpointStore, isHoldfastError, type MirrorStatus } from '@holdfast/core'
import { refuseFile } from '../folder/refuse-file.ts'
import { FolderClaim } from './claim.ts'
import { assertRunOptions, graceOf, type RunOptions, type RunReport } from './run-options.ts'
import { processSignals, StopRequests } from './stop-requests.ts'
import { Supervisor } from './supervisor.ts'

/** Milliseconds that a run waits for the mirror at its end, unless it is stopped. */
const longestWait = 7 * 86_400_000

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
  await refuseFile(folder)
  const announce = options.onEvent ?? (() => undefined)
  using stop = new StopRequests(options.signals ?? processSignals, graceOf(options), {
    onForwarded: (signal) => {
      announce({ type: 'forwarded', signal })
    },
    onNotForwarded: (signal) => {
      announce({ type: 'notForwarded', signal })
    },
    onKilled: () => {
      announce({ type: 'killed' })
    },
  })
  const claim = await FolderClaim.take(resolve(folder))
  let report
  let claimError
  try {
    const supervised = await new Supervisor(store, resolve(folder), command, {
      claim,
      stop,
      announce,
      options,
    }).run()
    const [mirror] = await Promise.all([mirrored(store, stop), options.beforeEnd?.(stop.aborting)])
    report = { ...supervised, mirror }
  } finally {
    claimError = await claim.release()
  }
  return { ...report, folderError: report.folderError ?? claimError }
}

/** Waits for the mirror. A failure does not change the result of the run, and the store has reported that of the mirror. */
async function mirrored(store: CheckpointStore, stop: StopRequests): Promise<MirrorStatus | undefined> {
  try {
    return await store.mirror?.flush({
      limit: longestWait,
      newestFirst: stop.isStopping(),
      signal: stop.aborting,
    })
  } catch (error) {
    if (isHoldfastError(error)) return undefined
    throw error
  }
}
