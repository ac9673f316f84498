import { orAborted } from '../../async/or-aborted.ts'
import { Afterwork, UnderWay } from '../../async/under-way.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import type { Committed } from '../../catalog/commit/catalog-log.ts'
import type { Finding } from '../../catalog/commit/changes/index.ts'
import { mayChange, mayCommit } from '../../catalog/commit/rules/index.ts'
import type { AttemptsUnderWay, StoreContext } from '../context.ts'
import { type AttemptId, type CatalogEntry, partsOfAttempt } from '../../catalog/documents/index.ts'
import type { PagedCatalog, WholeCatalog } from '../../catalog/pages/index.ts'
import { discardAttempt } from '../attempts/discard-attempt.ts'
import type { Deletion } from '../attempts/delete-attempts.ts'
import { deleteDropped } from '../attempts/delete-dropped.ts'
import { keepReserve, withReserve } from '../attempts/reserve.ts'
import { removeEndedSaves } from '../attempts/ended-saves.ts'
import { runningWriters } from '../attempts/writer-notes.ts'
import { recorded, type Recording } from '../recording.ts'
import { ensureMarker } from './ensure-marker.ts'
import { newestToWriteUpon } from './first-write.ts'
import { type Forgotten, isExpired, toForget } from './forget-removed.ts'
import { Preparation } from './preparation.ts'
import { bothPasses, floorToRaise, sweepStore, type SweptOnce } from './sweep.ts'
import { isSweepDue, removePassed } from './tidy.ts'
import { type UnfinishedSaves, unfinishedSaves } from '../attempts/unfinished.ts'

/** Whether a deletion of removed checkpoints found any. An event reports what could not be deleted. */
interface RemovedDeletion extends Pick<Deletion, 'failed'> {
  readonly isDeleted: boolean
}

/**
 * Prepares a store for writing and maintains it: verifies and creates the store, takes it over, tidies it, and releases
 * it.
 */
export class WriteAccess {
  /** The attempts that this store is writing. */
  readonly attempts: AttemptsUnderWay = new Set()
  /** Attempts whose saves failed and that could not be removed yet, because the store accepted no commit. */
  readonly toDiscard = new Set<AttemptId>()
  readonly #context: StoreContext
  #findings: Finding[] = []
  /** The version of the catalog at the last tidying. */
  #tidied = 0
  /** Whether a dead object could not be deleted. */
  #isLittered = false
  /** The leftovers that this writer removed and no sweep has reported yet. */
  #swept: SweptOnce | undefined
  readonly #preparations = new UnderWay()
  readonly #prepared: Preparation
  /** In a job: the takeover that precedes the first save. */
  readonly #joined: Preparation
  readonly #afterwork = new Afterwork()
  #beforeWrites = async (newest: PagedCatalog, _: AbortSignal | undefined): Promise<PagedCatalog> =>
    Promise.resolve(newest)

  constructor(context: StoreContext) {
    this.#context = context
    const { url } = context.backend
    this.#prepared = new Preparation(url, this.#preparations, () => this.#prepare())
    this.#joined = new Preparation(url, this.#preparations, () => this.#takeOver())
    context.events.on('cleanupFailed', () => {
      this.#isLittered = true
    })
  }

  /** Sets what to do with the newest version before each write. Returns the version to write upon. */
  beforeWrites(work: (newest: PagedCatalog, signal: AbortSignal | undefined) => Promise<PagedCatalog>): void {
    this.#beforeWrites = work
  }

  /** Returns the newest known version once this writer may write. A failed preparation is retried by the next write. */
  async ready(signal: AbortSignal | undefined): Promise<PagedCatalog> {
    return this.#beforeWrites(await this.#newestToWrite(signal), signal)
  }

  async #newestToWrite(signal: AbortSignal | undefined): Promise<PagedCatalog> {
    await this.#prepared.done(signal)
    const { log, writer } = this.#context
    if (writer.mode === 'exclusive' && log.known !== undefined) return log.known // no other writer commits
    try {
      return await log.newest(signal)
    } catch (error) {
      // The catalog was damaged in the meantime. Another preparation rebuilds it, unless the whole store was deleted.
      if (!isHoldfastError(error, 'CORRUPT') || (await log.isEmpty(signal))) throw error
      this.#prepared.repeat()
      await this.#prepared.done(signal)
      return log.newest(signal)
    }
  }

  /**
   * Returns the newest known version once this writer may save or sweep. In a job, this ends the earlier saves of the job.
   */
  async readyToSave(signal: AbortSignal | undefined): Promise<PagedCatalog> {
    const newest = await this.ready(signal)
    const { log, writer, mayTakeOver } = this.#context
    if (writer.job === undefined || mayTakeOver) return newest
    await this.#joined.done(signal)
    return log.known ?? newest
  }

  /**
   * Records a corrupt checkpoint in the catalog, if this writer may write now. Otherwise its first write records it.
   */
  async quarantine(finding: Finding): Promise<Recording> {
    const { log, writer } = this.#context
    if (log.known === undefined || !mayChange(log.known, writer)) {
      this.#findings.push(finding)
      const because =
        writer.mode === 'exclusive'
          ? "this writer's first save records it"
          : `the store belongs to ${log.known?.owner?.name ?? 'another writer'}`
      return { kind: 'not recorded', because }
    }
    try {
      await ensureMarker(this.#context)
      await this.#commitFindings([finding])
      return recorded
    } catch (error) {
      if (isHoldfastError(error, 'ABORTED', 'OUTCOME_UNKNOWN') || !isHoldfastError(error)) throw error
      return { kind: 'not recorded', because: error.reason, hint: error.hint }
    }
  }

  /** Lists quarantined checkpoints again, or returns why it could not. */
  async readmit(entries: readonly CatalogEntry[]): Promise<Recording> {
    try {
      await ensureMarker(this.#context)
      await this.#context.log.commit({ kind: 'readmit', entries })
      return recorded
    } catch (error) {
      if (isHoldfastError(error, 'ABORTED', 'OUTCOME_UNKNOWN') || !isHoldfastError(error)) throw error
      return { kind: 'not recorded', because: error.reason, hint: error.hint }
    }
  }

  /** Declares old attempts dead if the rules allow it. Returns the newest version afterwards. */
  async raiseFloor(newest: PagedCatalog, signal: AbortSignal | undefined, now?: Date): Promise<PagedCatalog> {
    const bases = [...this.attempts].map((attempt) => partsOfAttempt(attempt).base)
    const floor = await floorToRaise(this.#context, newest, Math.min(Infinity, ...bases), signal, now)
    if (floor <= newest.floor) return newest
    return (await this.#context.log.commit({ kind: 'raise floor', floor }, signal)).catalog
  }

  /** Must be called after each save. Reports failures by an event, since the save is already committed. */
  async tidyNowAndThen(): Promise<void> {
    const { log, environment } = this.#context
    await this.#reporting(() => this.#discardFailed())
    await this.#reporting(() => this.deleteExpired(undefined))
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
    await this.#reporting(() => this.#discardFailed())
    const { objects, unfinished } = await this.#sweep(await this.#context.log.whole(signal), signal)
    return objects + unfinished > 0
  }

  /**
   * Drops removed checkpoints for good, so that their files may be deleted: all, or those whose time for an undo has ended.
   * Returns `undefined` if there are none, or if this writer may not commit.
   */
  async forgetRemoved(which: Forgotten, signal: AbortSignal | undefined): Promise<Committed | undefined> {
    const { log, writer, environment } = this.#context
    const newest = await log.newest(signal)
    const attempts = toForget(newest, which, environment.now())
    if (attempts.length === 0 || !mayChange(newest, writer)) return undefined
    return log.commit({ kind: 'forget removed', attempts }, signal)
  }

  /** Drops removed checkpoints for good, and deletes their files. Returns whether there were any. */
  async deleteRemoved(which: Forgotten, signal: AbortSignal | undefined): Promise<RemovedDeletion> {
    const committed = await this.forgetRemoved(which, signal)
    if (committed !== undefined) await deleteDropped(this.#context, committed)
    return { isDeleted: committed !== undefined, failed: [] }
  }

  /** Deletes removed checkpoints whose time for an undo has ended, if the newest known version has any. */
  async deleteExpired(signal: AbortSignal | undefined): Promise<RemovedDeletion> {
    const { log, environment } = this.#context
    const hasExpired = log.known !== undefined && isExpired(log.known, environment.now())
    return hasExpired ? this.deleteRemoved('expired', signal) : { isDeleted: false, failed: [] }
  }

  /**
   * Returns the unfinished saves of other writers. Commits once after them, which starts their grace period, so that a later
   * sweep can delete them. A dry run does not commit.
   */
  async unfinishedSaves(
    catalog: WholeCatalog,
    isDry: boolean,
    signal: AbortSignal | undefined,
  ): Promise<UnfinishedSaves> {
    const { log, writer } = this.#context
    const found = await unfinishedSaves(this.#context, catalog, this.attempts, signal)
    if (found.saves === 0 || found.until !== undefined || isDry || !mayCommit(catalog, writer)) return found
    const committed = await log.commit({ kind: 'raise floor', floor: catalog.floor }, signal)
    return unfinishedSaves(this.#context, await log.wholeOf(committed.catalog, signal), this.attempts, signal)
  }

  /** Returns the unfinished saves of other writers, and changes nothing. */
  async findUnfinished(signal: AbortSignal | undefined): Promise<UnfinishedSaves> {
    const catalog = await this.#context.log.whole(signal)
    return unfinishedSaves(this.#context, catalog, this.attempts, signal)
  }

  /** Deletes what killed processes of this machine left. */
  async removeEnded(signal: AbortSignal | undefined): Promise<void> {
    if (this.#context.writer.mode === 'shared') await removeEndedSaves(this.#context, this.attempts, signal)
  }

  /**
   * Declares the unfinished saves of other writers dead, except those of processes that run on this machine. A writer that
   * still runs elsewhere is fenced when it commits.
   */
  async endOtherSaves(signal: AbortSignal | undefined): Promise<PagedCatalog> {
    const { log } = this.#context
    const running = await runningWriters(this.#context, this.attempts, signal)
    const bases = [...this.attempts, ...running].map((attempt) => partsOfAttempt(attempt).base)
    const newest = await log.newest(signal)
    const floor = Math.min(newest.version + 1, ...bases)
    if (floor <= newest.floor) return newest
    return (await log.commit({ kind: 'raise floor', floor }, signal)).catalog
  }

  /** Ends the unfinished saves of other writers, deletes them, and reports that. */
  async removeOtherSaves({ saves, bytes }: UnfinishedSaves, signal: AbortSignal | undefined): Promise<void> {
    await this.freeing(signal, () => this.endOtherSaves(signal))
    await this.freeLeftovers(signal)
    this.#context.events.emit('swept', { saves, bytes })
  }

  /** Returns what this writer removed since the last call, such as the leftovers found when it took the store over. */
  takeSwept(): SweptOnce | undefined {
    const swept = this.#swept
    this.#swept = undefined
    return swept
  }

  /** Starts work that no caller waits for, such as the deletion of dropped checkpoints. */
  afterwards(work: () => Promise<void>): void {
    this.#afterwork.begin(work)
  }

  /** Resolves when the deletions of earlier operations have ended. */
  async cleanedUp(signal: AbortSignal | undefined): Promise<void> {
    await orAborted(this.#afterwork.settled(), signal, 'The wait for earlier deletions')
  }

  /** Resolves once no work is running. Throws unexpected errors of that work. */
  async finish(): Promise<void> {
    await this.#preparations.settled()
    await this.#afterwork.finish()
  }

  /** Releases ownership. If this writer is fenced, another writer already has it. */
  async release(): Promise<void> {
    const { log, writer } = this.#context
    // The next process of a job takes over from this one.
    if (log.known?.owner?.id !== writer.id || writer.job !== undefined) return
    try {
      await log.commit({ kind: 'release' })
    } catch (error) {
      if (!isHoldfastError(error, 'FENCED')) throw error
    }
  }

  async #prepare(): Promise<void> {
    await ensureMarker(this.#context)
    const newest = await newestToWriteUpon(this.#context)
    // If many processes save once each, the one that passes the next multiple tidies.
    this.#tidied = newest.version - (newest.version % this.#context.environment.tidyEvery)
    if (this.#context.mayTakeOver) await this.#takeOver()
    // The first version is created before any attempt. So a store with attempts and no version has lost its catalog.
    else if (newest.version === 0 && this.#context.writer.mode === 'shared')
      await this.#context.log.commit({ kind: 'begin' })
    if (this.#findings.length > 0) {
      await this.#commitFindings(this.#findings)
      this.#findings = []
    }
    await keepReserve(this.#context)
  }

  async #takeOver(): Promise<void> {
    const { log, events, mayTakeOver, takesOverFrom, writer } = this.#context
    // Several processes may be one writer. A later one continues what an earlier one began.
    if (log.known?.owner?.id === writer.id) return
    const from = log.known?.owner?.name
    const { catalog } = await log.commit({ kind: 'take over', yields: !mayTakeOver, from: takesOverFrom })
    events.emit('tookOver', { from })
    // Every older attempt is dead now, including that of a crashed run.
    await this.#reporting(async () => {
      const swept = await this.#sweep(catalog)
      if (swept.attempts > 0) events.emit('swept', { saves: swept.attempts, bytes: swept.bytes })
      return swept
    })
  }

  async #commitFindings(found: readonly Finding[]): Promise<void> {
    await this.#context.log.commit({ kind: 'quarantine', found })
    for (const { step, reason } of found) this.#context.events.emit('quarantined', { step, reason })
  }

  async #sweep(version: PagedCatalog, signal?: AbortSignal): Promise<SweptOnce> {
    const swept = await sweepStore(this.#context, await this.#context.log.wholeOf(version), { signal })
    this.#swept = bothPasses(this.#swept, swept)
    return swept
  }

  async #discardFailed(): Promise<Pick<Deletion, 'failed'>> {
    for (const attempt of this.toDiscard) {
      await discardAttempt(this.#context, attempt)
      this.toDiscard.delete(attempt)
    }
    return { failed: [] }
  }

  /** Emits an event for what could not be removed. A later sweep tries again. */
  async #reporting(removal: () => Promise<Pick<Deletion, 'failed'>>): Promise<void> {
    const { events } = this.#context
    try {
      const { failed } = await removal()
      const [failure] = failed
      if (failure === undefined) return
      events.emit('cleanupFailed', { keys: failed.map(({ key }) => key), error: failure.error })
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code === 'ABORTED') throw error
      events.emit('cleanupFailed', { keys: [], error })
    }
  }
}
