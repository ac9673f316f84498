import { orAborted } from '../../async/or-aborted.ts'
import { Afterwork, UnderWay } from '../../async/under-way.ts'
import type { AttemptId } from '../../catalog/documents/index.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { isHoldfastError } from '../../errors.ts'
import { removeEndedSaves } from '../attempts/ended-saves.ts'
import { keepReserve } from '../attempts/reserve.ts'
import type { UnfinishedOf, UnfinishedSaves } from '../attempts/unfinished.ts'
import type { AttemptsUnderWay, StoreContext } from '../context/context.ts'
import { ensureMarker } from '../marker/ensure-marker.ts'
import { Findings } from './findings.ts'
import { newestToWriteUpon } from './first-write.ts'
import type { Forgotten } from './due-removals.ts'
import { endOtherSaves } from './others-saves.ts'
import { Preparation } from './preparation.ts'
import { deleteRemoved } from './forget-removed.ts'
import { Tidying } from './tidying.ts'

/** Prepares a store for writing: verifies and creates it, takes it over, and releases it. */
export class WriteAccess {
  /** The attempts that this store is writing. */
  readonly attempts: AttemptsUnderWay = new Set()
  /** Attempts whose saves failed and that could not be removed yet, because the store accepted no commit. */
  readonly toDiscard = new Set<AttemptId>()
  /** Whose the unfinished saves are that are not in `attempts`. */
  readonly unfinishedOf: UnfinishedOf
  readonly findings: Findings
  readonly tidying: Tidying
  readonly #context: StoreContext
  readonly #preparations = new UnderWay()
  readonly #prepared: Preparation
  /** In a job: the takeover that precedes the first save. */
  readonly #joined: Preparation
  readonly #afterwork = new Afterwork()
  #beforeWrites = async (newest: PagedCatalog, _: AbortSignal | undefined): Promise<PagedCatalog> =>
    Promise.resolve(newest)

  constructor(context: StoreContext, unfinishedOf: UnfinishedOf = 'other writers') {
    this.#context = context
    this.unfinishedOf = unfinishedOf
    this.findings = new Findings(context)
    this.tidying = new Tidying(context, this.attempts, this.toDiscard)
    const { url } = context.backend
    this.#prepared = new Preparation(url, this.#preparations, () => this.#prepare())
    this.#joined = new Preparation(url, this.#preparations, () => this.#takeOver())
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

  /** Deletes what killed processes of this machine left. */
  async removeEnded(signal: AbortSignal | undefined): Promise<void> {
    if (this.#context.writer.mode === 'shared') await removeEndedSaves(this.#context, this.attempts, signal)
  }

  /** Ends the unfinished saves of other writers, deletes them, and reports that. */
  async removeOtherSaves({ saves, bytes }: UnfinishedSaves, signal: AbortSignal | undefined): Promise<void> {
    await this.freeing(signal, () => endOtherSaves(this.#context, this.attempts, signal))
    await this.freeLeftovers(signal)
    this.#context.events.emit('swept', { saves, bytes })
  }

  /** Drops removed checkpoints for good, and deletes their files. Returns whether there were any. */
  async deleteRemoved(which: Forgotten, signal: AbortSignal | undefined): Promise<boolean> {
    return deleteRemoved(this.#context, which, signal)
  }

  /** Must be called after each save. Reports failures by an event, since the save is already committed. */
  async tidyNowAndThen(): Promise<void> {
    await this.tidying.nowAndThen()
  }

  /** Runs a deletion, also on a full disk. */
  async freeing<Result>(signal: AbortSignal | undefined, deletion: () => Promise<Result>): Promise<Result> {
    return this.tidying.freeing(signal, deletion)
  }

  /** Deletes what the newest version declares dead. Returns whether it deleted anything. */
  async freeLeftovers(signal: AbortSignal | undefined): Promise<boolean> {
    return this.tidying.freeLeftovers(signal)
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
    this.tidying.beginAt(newest)
    if (this.#context.mayTakeOver) await this.#takeOver()
    // The first version is created before any attempt. So a store with attempts and no version has lost its catalog.
    else if (newest.version === 0 && this.#context.writer.mode === 'shared')
      await this.#context.log.commit({ kind: 'begin' })
    await this.findings.recordPending()
    await keepReserve(this.#context)
  }

  async #takeOver(): Promise<void> {
    const { log, events, mayTakeOver, takesOverFrom, writer } = this.#context
    // Several processes may be one writer. A later one continues what an earlier one began.
    if (log.known?.owner?.id === writer.id) return
    const from = log.known?.owner?.name
    const { catalog } = await log.commit({ kind: 'take over', yields: !mayTakeOver, from: takesOverFrom })
    events.emit('tookOver', { from })
    await this.tidying.afterTakeover(catalog)
  }
}
