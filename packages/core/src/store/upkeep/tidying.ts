import { type AttemptId, partsOfAttempt } from '../../catalog/documents/index.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { HoldfastError } from '../../errors.ts'
import type { Deletion } from '../attempts/delete-attempts.ts'
import { discardAttempt } from '../attempts/discard-attempt.ts'
import { keepReserve, withReserve } from '../attempts/reserve.ts'
import type { AttemptsUnderWay, StoreContext } from '../context/context.ts'
import { deleteExpired } from './forget-removed.ts'
import { removePassed } from './passed-versions.ts'
import { bothPasses, floorToRaise, isSweepDue, sweepStore, type SweptOnce } from './sweep.ts'

/** Removes what is dead from a store. An event reports what it could not remove, and a later sweep tries again. */
export class Tidying {
  readonly #context: StoreContext
  readonly #attempts: AttemptsUnderWay
  readonly #toDiscard: Set<AttemptId>
  /** The version of the catalog at the last tidying. */
  #tidied = 0
  /** Whether a dead object could not be deleted. */
  #isLittered = false
  /** The leftovers that this writer removed and no sweep has reported yet. */
  #swept: SweptOnce | undefined
  readonly #noteLitter = (): void => {
    this.#isLittered = true
  }

  /** `attempts` are those that this store is writing, and `toDiscard` those of its failed saves. */
  constructor(context: StoreContext, attempts: AttemptsUnderWay, toDiscard: Set<AttemptId>) {
    this.#context = context
    this.#attempts = attempts
    this.#toDiscard = toDiscard
    context.events.on('cleanupFailed', this.#noteLitter)
  }

  /** Must be called when another tidying takes its place, because the events outlive both. */
  end(): void {
    this.#context.events.off('cleanupFailed', this.#noteLitter)
  }

  /** Must be called before the first write. If many processes save once each, the one that passes the next multiple tidies. */
  beginAt({ version }: PagedCatalog): void {
    this.#tidied = version - (version % this.#context.environment.tidyEvery)
  }

  /** Must be called after each save. Reports failures by an event, since the save is already committed. */
  async nowAndThen(): Promise<void> {
    const { log, environment } = this.#context
    await this.#catching(() => this.#discardFailed())
    await this.#catching(() => deleteExpired(this.#context, undefined))
    const { known } = log
    if (known === undefined || known.version - this.#tidied < environment.tidyEvery) return
    const isSweep = this.#isLittered || isSweepDue(this.#context, this.#tidied, known)
    this.#tidied = known.version
    this.#isLittered = false
    await this.#reporting(async () => {
      const raised = await this.raiseFloor(known, undefined)
      return isSweep ? this.#sweep(raised) : removePassed(this.#context, known, raised)
    })
  }

  /**
   * Deletes the leftovers of earlier writers after a takeover. Every older attempt is dead then, also that of a crashed run.
   */
  async afterTakeover(version: PagedCatalog): Promise<void> {
    await this.#reporting(async () => {
      const swept = await this.#sweep(version)
      const { attempts: saves, bytes } = swept
      if (saves > 0) this.#context.events.emit('swept', { saves, bytes })
      return swept
    })
  }

  /** Declares old attempts dead if the rules allow it. Returns the newest version afterwards. */
  async raiseFloor(newest: PagedCatalog, signal: AbortSignal | undefined, now?: Date): Promise<PagedCatalog> {
    const bases = [...this.#attempts].map((attempt) => partsOfAttempt(attempt).base)
    const floor = await floorToRaise(this.#context, newest, Math.min(Infinity, ...bases), signal, now)
    if (floor <= newest.floor) return newest
    return (await this.#context.log.commit({ kind: 'raise floor', floor }, signal)).catalog
  }

  /**
   * Runs a deletion. If there is no space for the version of the catalog that it writes, uses the space of the reserve and of
   * leftovers.
   */
  async freeing<Result>(signal: AbortSignal | undefined, deletion: () => Promise<Result>): Promise<Result> {
    const { backend } = this.#context
    const result = await withReserve(backend, () => this.freeLeftovers(signal), deletion)
    await keepReserve(this.#context)
    return result
  }

  /** Deletes what the newest version declares dead. Returns whether it deleted anything. */
  async freeLeftovers(signal: AbortSignal | undefined): Promise<boolean> {
    await this.#catching(() => this.#discardFailed())
    const { objects, unfinished } = await this.#sweep(await this.#context.log.whole(signal), signal)
    return objects + unfinished > 0
  }

  /** Returns what this writer removed since the last call, such as the leftovers found when it took the store over. */
  takeSwept(): SweptOnce | undefined {
    const swept = this.#swept
    this.#swept = undefined
    return swept
  }

  async #sweep(version: PagedCatalog, signal?: AbortSignal): Promise<SweptOnce> {
    const swept = await sweepStore(this.#context, await this.#context.log.wholeOf(version), { signal })
    this.#swept = bothPasses(this.#swept, swept)
    return swept
  }

  async #discardFailed(): Promise<void> {
    for (const attempt of this.#toDiscard) {
      await discardAttempt(this.#context, attempt)
      this.#toDiscard.delete(attempt)
    }
  }

  /** Emits an event for the objects that could not be removed. */
  async #reporting(removal: () => Promise<Pick<Deletion, 'failed'>>): Promise<void> {
    await this.#catching(async () => {
      const { failed } = await removal()
      const [failure] = failed
      if (failure === undefined) return
      const keys = failed.map(({ key }) => key)
      this.#context.events.emit('cleanupFailed', { keys, error: failure.error })
    })
  }

  /** Emits an event for an error, unless it is unexpected or the caller stopped the work. */
  async #catching(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code === 'ABORTED') throw error
      this.#context.events.emit('cleanupFailed', { keys: [], error })
    }
  }
}
