import type { BusyLimit } from '../../pacing/index.ts'
import { orAborted } from '../../async/or-aborted.ts'
import { HoldfastError } from '../../errors.ts'
import type { BackgroundOptions } from './background-options.ts'
import type { StoreContext } from '../context/context.ts'
import type { StoreEventEmitter } from '../context/events.ts'
import {
  assertSaveRequest,
  type FileContent,
  type FilesToSave,
  isListOfPaths,
  type SaveRequest,
} from './request.ts'
import type { SaveResult } from './result.ts'
import { membersOf } from '../../input/records.ts'

/** A save that runs in the background. */
export interface BackgroundSave {
  readonly step: number
  /**
   * Resolves when the checkpoint is durable and committed, or with `undefined` if it was skipped. Rejects as `save` does. If
   * no caller reads `done`, the next `flush` or `close` throws the error.
   */
  readonly done: Promise<SaveResult | undefined>
  /** Stops the save unless it is already committed. */
  cancel(reason?: unknown): void
  /** States that something waits for the save. From then on, `background.rateWhileBusy` does not limit it. */
  hurry(): void
}

/** Runs the background saves of one store, limits their number, and keeps their errors. */
export class BackgroundSaves {
  readonly #save: (request: SaveRequest) => Promise<SaveResult>
  readonly #events: StoreEventEmitter
  readonly #busyLimit: BusyLimit
  readonly #limit: number
  readonly #atLimit: 'wait' | 'skip' | 'fail'
  readonly #underWay = new Set<Promise<void>>()
  readonly #waiting: (() => void)[] = []
  #running = 0
  #failures: { readonly error: Error; readonly observed: { readonly seen: boolean } }[] = []

  constructor(
    save: (request: SaveRequest) => Promise<SaveResult>,
    { events, busyLimit }: Pick<StoreContext, 'events' | 'busyLimit'>,
    { limit = 1, atLimit = 'wait' }: BackgroundOptions = {},
  ) {
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw new HoldfastError(
        'INVALID_ARGUMENT',
        `background.limit must be a whole number of at least 1, not ${limit}.`,
      )
    }
    this.#save = save
    this.#events = events
    this.#busyLimit = busyLimit
    this.#limit = limit
    this.#atLimit = atLimit
  }

  /** Copies the bytes of the request. Resolves when the save may run. */
  async start(request: SaveRequest): Promise<BackgroundSave> {
    assertSaveRequest(request)
    if (this.#running >= this.#limit) {
      if (this.#atLimit === 'skip') return skipped(request.step)
      if (this.#atLimit === 'fail') throw atLimit(request.step, this.#limit)
      await this.#placeFor(request)
    } else {
      this.#running += 1
    }
    const stop = new AbortController()
    const signal = request.signal === undefined ? stop.signal : AbortSignal.any([request.signal, stop.signal])
    const result = this.#run(request, signal)
    const observed = this.#watch(request.step, result)
    let waiting: Disposable | undefined
    let isRunning = true
    const end = (): void => {
      isRunning = false
      waiting?.[Symbol.dispose]()
    }
    result.then(end, end)
    return {
      step: request.step,
      get done() {
        observed.seen = true
        return result
      },
      cancel: (reason) => {
        stop.abort(reason)
      },
      hurry: () => {
        if (isRunning) waiting ??= this.#busyLimit.suspend()
      },
    }
  }

  /** Waits until another save passes its place on. A save whose signal fires leaves the queue. */
  async #placeFor({ step, signal }: SaveRequest): Promise<void> {
    const place = Promise.withResolvers<undefined>()
    const take = (): void => {
      place.resolve(undefined)
    }
    this.#waiting.push(take)
    using _ = this.#busyLimit.suspend()
    try {
      await orAborted(place.promise, signal, `The save of step ${step}`)
    } catch (error) {
      const at = this.#waiting.indexOf(take)
      if (at >= 0) this.#waiting.splice(at, 1)
      else this.#leave() // another save passed its place on in the same moment
      throw error
    }
  }

  /** Passes the place of a save to the next waiting save. */
  #leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#running -= 1
    else next()
  }

  /** Waits for all running saves. Throws the errors that no caller has read, as one error. */
  async flush(): Promise<void> {
    using _ = this.#busyLimit.suspend()
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
    const [first, ...others] = this.#failures
      .filter(({ observed }) => !observed.seen)
      .map(({ error }) => error)
    this.#failures = []
    if (first === undefined) return
    if (others.length === 0) throw first
    throw new AggregateError(
      [first, ...others],
      `${others.length + 1} background saves failed: ${first.message}`,
    )
  }

  async #run(request: SaveRequest, signal: AbortSignal): Promise<SaveResult> {
    try {
      return await this.#save({ ...request, files: copied(request.files), signal })
    } finally {
      this.#leave()
    }
  }

  #watch(step: number, result: Promise<SaveResult>): { seen: boolean } {
    const observed = { seen: false }
    const settled = result.then(
      () => undefined,
      (thrown: unknown) => {
        const error = thrown instanceof Error ? thrown : new Error(String(thrown))
        this.#failures.push({ error, observed })
        this.#events.emit('backgroundError', { step, error })
      },
    )
    this.#underWay.add(settled)
    void settled.finally(() => this.#underWay.delete(settled))
    return observed
  }
}

/** Copies bytes, since the caller may change its buffers during the save. Files and streams are not copied. */
function copied(files: FilesToSave): FilesToSave {
  if (typeof files === 'string' || isListOfPaths(files)) return files
  return Object.fromEntries(
    membersOf(files, 'files').map(([name, content]): [string, FileContent] => [
      name,
      content instanceof Uint8Array ? Uint8Array.from(content) : content,
    ]),
  )
}

function skipped(step: number): BackgroundSave {
  return { step, done: Promise.resolve(undefined), cancel: () => undefined, hurry: () => undefined }
}

function atLimit(step: number, limit: number): HoldfastError {
  return new HoldfastError(
    'UNAVAILABLE',
    `Step ${step} was not saved: ${limit} background saves are already running. Wait for one, or raise background.limit.`,
  )
}
