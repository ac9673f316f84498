import type { AttemptId } from '../../catalog/documents/index.ts'
import { type HoldfastError, isHoldfastError } from '../../errors.ts'
import type { MirrorConnection } from './connection.ts'
import { type LocalStore, sideOf } from './local-side.ts'
import { recordFailure } from './record-failure.ts'
import { synchronise, whyFenced } from './synchronise.ts'

/** The first and the longest pause after a failure, in milliseconds. */
const [shortestPause, longestPause] = [1000, 300_000]

/** What a worker does now. */
export type WorkerState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'copying'; readonly step?: number; readonly bytes?: number; readonly total?: number }
  /** The mirror failed. It is tried again at this time. */
  | { readonly kind: 'failing'; readonly error: Error; readonly retryAt: Date }
  /** The mirror belongs to another store, so nothing is copied to it. */
  | { readonly kind: 'fenced'; readonly error: HoldfastError }

/**
 * Copies to the mirror in the background. There is one round at a time, however often it is woken. A failure is reported by an
 * event, and the round is repeated after a pause that grows.
 */
export class MirrorWorker {
  /** Checkpoints that the last round could not copy, and why. */
  readonly refused = new Map<AttemptId, HoldfastError>()
  readonly #local: LocalStore
  readonly #mirror: MirrorConnection
  readonly #stop = new AbortController()
  #state: WorkerState = { kind: 'idle' }
  #running: Promise<void> | undefined
  #isWoken = false
  #newestFirst = false
  #endPause = new AbortController()
  #roundEnd = Promise.withResolvers<undefined>()
  /** The message of the last event about a mirror of another store. */
  #reported: string | undefined

  constructor(local: LocalStore, mirror: MirrorConnection) {
    this.#local = local
    this.#mirror = mirror
  }

  get state(): WorkerState {
    return this.#state
  }

  get #isStopped(): boolean {
    return this.#stop.signal.aborted
  }

  /** Starts a round, or another one after the running one. */
  wake(): void {
    this.#isWoken = true
    if (this.#isStopped || this.#running !== undefined) return
    this.#running = this.#run().finally(() => {
      this.#running = undefined
      if (this.#isWoken) this.wake()
    })
  }

  /**
   * Brings the mirror up to date, and waits at most this number of milliseconds. With `newestFirst`, the latest checkpoint is
   * copied first. Returns whether the copying ended or failed within the limit. Does not throw: the state shows what is missing.
   */
  async flush(limit: number, newestFirst: boolean, signal?: AbortSignal): Promise<boolean> {
    using _ = this.#local.context.busyLimit.suspend()
    this.#newestFirst = newestFirst
    this.wake()
    this.#endPause.abort() // a pause after a failure ends now
    const over = new AbortController()
    const ends = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal])
    const pause = this.#local.context.environment.pause(limit, ends).catch(() => undefined)
    let isOver = false
    while (this.#running !== undefined) {
      const roundEnded = Promise.race([this.#roundEnd.promise, this.#running]).then(() => false)
      isOver = await Promise.race([roundEnded, pause.then(() => true)])
      // While the mirror fails, there is nothing to wait for.
      if (isOver || this.#state.kind === 'failing') break
    }
    over.abort()
    this.#newestFirst = false
    return !isOver
  }

  /** Reports before there is anything to copy if the mirror belongs to another store. Writes nothing to the mirror. */
  async reportIfFenced(signal: AbortSignal | undefined): Promise<void> {
    try {
      const { id, catalog } = await sideOf(this.#local.context, signal)
      if (id === undefined) return
      const fenced = await whyFenced({ id, catalog }, this.#local, this.#mirror, signal)
      if (fenced === undefined) return
      await this.#local.ready(signal)
      await this.#reportFenced(fenced)
    } catch (error) {
      if (!isHoldfastError(error) || error.code === 'ABORTED' || error.code === 'CONFIG') throw error
      this.#local.context.events.emit('mirrorFailed', { error, retryIn: undefined })
    }
  }

  /** Ends the running round, and starts no other. */
  async stop(): Promise<void> {
    this.#isWoken = false
    this.#stop.abort()
    await this.#running
    this.#isWoken = false
  }

  async #run(): Promise<void> {
    for (let pause = shortestPause; this.#isWoken && !this.#isStopped; ) {
      this.#isWoken = false
      this.#endPause = new AbortController()
      const failure = await this.#tryRound()
      if (failure === undefined) pause = shortestPause
      else if (await this.#canRepeat(failure.error, pause)) pause = Math.min(longestPause, pause * 2)
      else return
    }
  }

  /** Makes one round. Returns its error, if it failed. */
  async #tryRound(): Promise<{ readonly error: unknown } | undefined> {
    try {
      this.#state = { kind: 'copying' }
      await this.#round()
      this.#endRound()
      return undefined
    } catch (error) {
      return { error }
    }
  }

  async #round(): Promise<void> {
    this.refused.clear()
    await this.#local.ready(this.#stop.signal)
    const end = await synchronise(this.#local, this.#mirror, {
      signal: this.#stop.signal,
      newestFirst: () => this.#newestFirst,
      refused: this.refused,
      passed: new Set(),
      retryCorruptAfter: longestPause,
      onProgress: (progress) => {
        this.#state = { kind: 'copying', ...progress }
      },
    })
    if (end.kind === 'fenced') await this.#reportFenced(end.error)
    else this.#state = { kind: 'idle' }
    if (end.kind !== 'fenced') this.#reported = undefined
  }

  /** Resolves the promises that wait for the end of a round. */
  #endRound(): void {
    const ended = this.#roundEnd
    this.#roundEnd = Promise.withResolvers()
    ended.resolve(undefined)
  }

  async #reportFenced(error: HoldfastError): Promise<void> {
    const isKnown = this.#reported === error.message
    this.#reported = error.message
    this.#state = { kind: 'fenced', error }
    if (!isKnown) this.#local.context.events.emit('mirrorFailed', { error, retryIn: undefined })
    await recordFailure(this.#local, this.#mirror, 'fenced', error)
  }

  /** Waits before the next try. Returns whether there is one. */
  async #canRepeat(failure: unknown, pause: number): Promise<boolean> {
    if (this.#isStopped) return false
    const error = failure instanceof Error ? failure : new Error(String(failure))
    const { environment, events } = this.#local.context
    if (isHoldfastError(error, 'FENCED')) {
      this.#mirror.forgetWriter()
      await this.#reportFenced(error)
      this.#endRound()
      return false
    }
    await recordFailure(this.#local, this.#mirror, 'failing', error)
    this.#state = { kind: 'failing', error, retryAt: new Date(environment.now().getTime() + pause) }
    events.emit('mirrorFailed', { error, retryIn: pause })
    this.#isWoken = true
    this.#endRound()
    try {
      await environment.pause(pause, AbortSignal.any([this.#stop.signal, this.#endPause.signal]))
    } catch (reason) {
      if (!isHoldfastError(reason, 'ABORTED')) throw reason
    }
    return !this.#isStopped
  }
}
