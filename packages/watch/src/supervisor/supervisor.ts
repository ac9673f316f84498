import { type CheckpointStore, type HoldfastError, isHoldfastError } from '@holdfast/core'
import { Adopter, type WriterState } from '../adoption/adopter.ts'
import { systemClock } from '../clock.ts'
import { type Unsaved, unsavedIn } from '../unsaved.ts'
import { watchWith } from '../watch-loop.ts'
import type { FolderClaim } from './claim.ts'
import { decideNext, defaultLimits, noRestarts, type PastStart } from './decide-next.ts'
import { type Ending, exitCodeOf, exitCodeOfSignal } from './endings.ts'
import type { RunEvent } from './events.ts'
import { type Preparation, prepareFolder } from './prepare-folder.ts'
import { endGroup, untilGone } from './process-group.ts'
import { Program } from './program.ts'
import { restartDelayOf, type RunOptions, type RunReport } from './run-options.ts'
import type { StopRequests } from './stop-requests.ts'

export interface SupervisorParts {
  readonly claim: FolderClaim
  readonly stop: StopRequests
  readonly announce: (event: RunEvent) => void
  readonly options: RunOptions
}

/** How the program ended, without the mirror. */
export type SupervisedRun = Omit<RunReport, 'mirror'>

/** Milliseconds that processes have to end which the program leaves behind. */
const groupLimit = 5_000
/** Milliseconds for which failed saves are tried again when the program has ended. */
const patience = 60_000
const pollInterval = 5_000
const firstRetry = 1_000
const longestRetry = 60_000

/** Starts one program again and again, and adopts what it writes. */
export class Supervisor {
  readonly #store: CheckpointStore
  readonly #folder: string
  readonly #command: readonly string[]
  readonly #parts: SupervisorParts
  readonly #adopter: Adopter
  #unsaved: readonly Unsaved[] = []
  #hasSaved = false
  /** Why the folder could not be read after the last end of the program. */
  #folderError: HoldfastError | undefined

  constructor(
    store: CheckpointStore,
    folder: string,
    command: readonly string[],
    { options, ...parts }: SupervisorParts,
  ) {
    this.#store = store
    this.#folder = folder
    this.#command = command
    this.#parts = { options, ...parts }
    this.#adopter = new Adopter(store, folder, {
      ...options,
      order: 'modified',
      trustsAge: false,
      failsFast: false,
      signal: parts.stop.aborting,
      onEvent: (event) => {
        if (event.type === 'adopted') this.#noteSaved(event.name)
        parts.announce(event)
      },
    })
  }

  async run(): Promise<SupervisedRun> {
    const { stop, announce, options } = this.#parts
    const limits = {
      ...defaultLimits,
      restarts: options.restarts ?? defaultLimits.restarts,
      firstDelay: restartDelayOf(options),
    }
    let count = noRestarts
    let ending: Ending | undefined
    let restarts = 0
    const leftoverRanUntil =
      this.#parts.claim.leftover?.isProgramAlive === true ? systemClock.wallTime() : undefined
    await this.#endLeftover()
    if (!stop.isStopping()) await this.#prepareFirst(leftoverRanUntil)
    while (!stop.isStopping()) {
      const program = await this.#start(ending === undefined)
      if (program === undefined) break
      const past = await this.#runOnce(program)
      announce({ type: 'ended', ending: past.ending, lasted: past.lasted })
      ending = past.ending
      const next = decideNext(past, count, limits)
      if (next.do === 'stop') {
        if (next.why === 'exhausted' && restarts > 0) announce({ type: 'gaveUp', restarts })
        return this.#report(ending, exitCodeAfter(ending, stop.stopSignal), restarts)
      }
      const step = await this.#prepareAgain()
      if (stop.isStopping()) break
      count = next.count
      announce({
        type: 'restarting',
        restart: count.restarts,
        restarts: limits.restarts,
        delay: next.delay,
        step,
      })
      await pause(next.delay, stop.stopping)
      if (!stop.isStopping()) restarts += 1
    }
    return this.#report(ending, exitCodeAfter(undefined, stop.stopSignal), restarts)
  }

  /**
   * Ends the program of a supervisor that was killed, so that not two programs write into the folder. Waits for a program that
   * it cannot end, until a stop is requested.
   */
  async #endLeftover(): Promise<void> {
    const { claim, stop, announce } = this.#parts
    const pid = claim.leftover?.runningProgram
    if (pid === undefined) return
    announce({ type: 'endingLeftover', pid })
    if (await endGroup(pid, stop.timeLeft(groupLimit))) return
    announce({ type: 'waitingForLeftover', pid })
    await untilGone(pid, stop.stopping)
  }

  /** An error before the first start ends the run: the store or the command line may be wrong. */
  async #prepareFirst(ranUntil: number | undefined): Promise<void> {
    const { leftover } = this.#parts.claim
    try {
      await this.#prepare({
        isFirstStart: true,
        mayBeTorn: leftover !== undefined,
        ranUntil,
        wasInterrupted: leftover?.isRestoring === true,
      })
    } catch (error) {
      if (!this.#isStopped(error)) throw error
    }
  }

  /** Later, the store was reached before. It is tried until it is reached again, or until a stop is requested. */
  async #prepareAgain(): Promise<number | undefined> {
    return this.#untilReady(() =>
      this.#prepare({ isFirstStart: false, mayBeTorn: true, wasInterrupted: false }),
    )
  }

  /**
   * An error of the first start ends the run: the command may be wrong. Later, it is tried until the machine has a process and memory
   * for the program, or until a stop is requested.
   */
  async #start(isFirst: boolean): Promise<Program | undefined> {
    const start = (): Promise<Program> => Program.start(this.#command, this.#parts.options)
    return isFirst ? start() : this.#untilReady(start)
  }

  /** Repeats work after errors that may pass. Returns `undefined` if a stop is requested meanwhile. */
  async #untilReady<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    const { stop, announce } = this.#parts
    for (let retryIn = firstRetry; ; retryIn = Math.min(longestRetry, 2 * retryIn)) {
      try {
        return await work()
      } catch (error) {
        if (this.#isStopped(error)) return undefined
        if (!isHoldfastError(error) || !error.retryable) throw error
        announce({ type: 'notReady', error, retryIn })
        await pause(retryIn, stop.stopping)
        if (stop.isStopping()) return undefined
      }
    }
  }

  async #prepare(
    start: Pick<Preparation, 'isFirstStart' | 'mayBeTorn' | 'ranUntil' | 'wasInterrupted'>,
  ): Promise<number | undefined> {
    const { claim, stop, announce } = this.#parts
    return prepareFolder({
      store: this.#store,
      folder: this.#folder,
      adopter: this.#adopter,
      claim,
      ...start,
      wallTime: () => systemClock.wallTime(),
      announce,
      signal: stop.stopping,
    })
  }

  /** Watches a program. Resolves when it has ended, and what it wrote is saved. */
  async #runOnce(program: Program): Promise<PastStart> {
    const { claim, stop, announce } = this.#parts
    stop.attach(program)
    this.#hasSaved = false
    this.#folderError = undefined
    const ended = new AbortController()
    let writer: WriterState = 'writing'
    const watching = (async () => {
      // The watch also changes the claim, so it begins afterwards.
      const { pid } = program
      const error = await claim.noteProgram(pid)
      announce({ type: 'started', pid })
      if (error !== undefined) announce({ type: 'notRecorded', pid, error })
      await this.#watch(pid, ended.signal, () => writer)
    })()
    const watched = watching.catch(() => undefined) // The error is thrown below, when the program has ended.
    try {
      await Promise.race([program.ended, watched])
    } finally {
      // If the folder is no longer watched, the program must not run on. Otherwise this ends what it left behind.
      await program.endGroup(stop.timeLeft(groupLimit))
      writer = exitCodeOf(await program.ended) === 0 ? 'finished' : 'failed'
      stop.detach()
      ended.abort()
      await watched
    }
    await watching
    return {
      ending: await program.ended,
      lasted: await program.lasted,
      hasSaved: this.#hasSaved,
      isStopping: stop.stopSignal !== undefined,
      forwarded: stop.forwarded,
    }
  }

  /**
   * Watches the folder until the program has ended, and then until everything is saved or `patience` is over. Rejects with
   * `FENCED` if another writer takes the store over. After other errors it starts from the beginning: a program is not ended because its
   * folder cannot be watched for a while. If the folder cannot be read after the end either, the report
   * has the error.
   */
  async #watch(pid: number, ended: AbortSignal, writer: () => WriterState): Promise<void> {
    const { claim, stop, announce } = this.#parts
    let retryIn = firstRetry
    let over = Infinity
    ended.addEventListener('abort', () => {
      retryIn = firstRetry
      over = systemClock.now() + patience
    })
    const patienceLeft = (): number => Math.min(patience, Math.max(0, over - systemClock.now()))
    for (;;) {
      const isLast = ended.aborted
      try {
        await watchWith(this.#adopter, {
          pollInterval,
          notifications: true,
          until: ended,
          patience: patienceLeft(),
          signal: stop.aborting,
          onScanned: async (report) => {
            retryIn = firstRetry
            this.#unsaved = unsavedIn(report)
            if (report.adopted.length > 0) await claim.renew()
            else if (claim.isBehind) await claim.noteProgram(pid) // the first failure was announced
          },
          writer,
          clock: systemClock,
        })
        return
      } catch (error) {
        if (stop.aborting.aborted && isHoldfastError(error, 'ABORTED')) return
        if (!isHoldfastError(error) || error.code === 'FENCED') throw error
        if (isLast && (!error.retryable || patienceLeft() === 0)) {
          this.#folderError = error
          return
        }
        const hasEnded = ended.aborted
        const delay = hasEnded ? Math.min(retryIn, patienceLeft()) : retryIn
        retryIn = Math.min(longestRetry, 2 * retryIn)
        announce({ type: 'notReady', error, retryIn: delay })
        await pause(delay, hasEnded ? stop.aborting : AbortSignal.any([ended, stop.aborting]))
      }
    }
  }

  /** An error because of the signal that requested a stop. */
  #isStopped(error: unknown): boolean {
    return this.#parts.stop.stopSignal !== undefined && isHoldfastError(error, 'ABORTED')
  }

  #noteSaved(name: string): void {
    this.#hasSaved = true
    this.#unsaved = this.#unsaved.filter((each) => each.name !== name)
  }

  #report(ending: Ending | undefined, exitCode: number, restarts: number): SupervisedRun {
    const { stop } = this.#parts
    return {
      exitCode,
      ending,
      restarts,
      stoppedBy: stop.stopSignal,
      unsaved: this.#unsaved,
      folderError: this.#folderError,
      isCutShort: stop.aborting.aborted,
    }
  }
}

/** That of the program. If it had to be killed, or was not started again, that of the signal that requested the stop. */
function exitCodeAfter(ending: Ending | undefined, stopSignal: NodeJS.Signals | undefined): number {
  const wasKilled = ending?.kind === 'signalled' && ending.signal === 'SIGKILL'
  if (stopSignal !== undefined && (ending === undefined || wasKilled)) return exitCodeOfSignal(stopSignal)
  return ending === undefined ? 0 : exitCodeOf(ending)
}

async function pause(milliseconds: number, wake: AbortSignal): Promise<void> {
  await systemClock.wait(milliseconds, wake)
}
