import { UnderWay } from '../async/under-way.ts'
import { type CheckpointBackend, refuseUnknownOptions } from '../backend/index.ts'
import { assertStep, markerKey } from '../catalog/documents/index.ts'
import type { CheckpointChoice } from '../catalog/judging/choose.ts'
import { systemEnvironment, type Environment } from '../environment.ts'
import { HoldfastError } from '../errors.ts'
import { assertWellFormed } from '../json.ts'
import type { StoreContext } from './context.ts'
import { copyAll } from './copy/copy-checkpoints.ts'
import type { CopyOptions, CopyReport } from './copy/options.ts'
import { type StoreCallOptions, StoreReader } from './store-reader.ts'
import { SupportedMarker } from './supported-marker.ts'
import { StoreEventEmitter, type StoreEvents } from './events.ts'
import { newContext } from './new-context.ts'
import { assertStoreOptions, type StoreOptions } from './options.ts'
import { nextDropsOf } from './read/next-drops.ts'
import { type RewindOptions, type RewindReport, rewindStore } from './upkeep/rewind.ts'
import { describeJob, jobStatus } from './ranks/job-status.ts'
import { type Joined, Ranks } from './ranks/ranks.ts'
import { completeJointSaves } from './ranks/recover.ts'
import type { JoinOptions } from './ranks/resume.ts'
import { StoreMirror } from './mirror/mirror.ts'
import { type Mirror, type MirrorStatus, mirrorStatus } from './mirror/status.ts'
import { assertMayCount, countRestore } from './restore/count.ts'
import { restoreCheckpoint, type RestoreUpkeep } from './restore/restore.ts'
import { assertRestoreOptions, type Restored, type RestoreOptions } from './restore/result.ts'
import { type BackgroundSave, BackgroundSaves } from './save/background.ts'
import { planAndSave } from './save/plan-and-save.ts'
import { SavesInOrder } from './save/saves-in-order.ts'
import { assertMetrics, assertSaveRequest, type SaveRequest } from './save/request.ts'
import type { SaveResult } from './save/result.ts'
import { traced } from './tracing.ts'
import { attachMetrics, type AttachResult } from './upkeep/attach.ts'
import { ChangeWriter, type WhileOpen } from './upkeep/change-writer.ts'
import { deleteCheckpoints, type DeletedCheckpoint, type DeleteOptions } from './upkeep/delete.ts'
import { type Diagnosis, diagnoseStore } from './upkeep/doctor.ts'
import { readMarker } from './upkeep/ensure-marker.ts'
import { parseLimits } from './transfer-limits.ts'
import { fullSweep } from './upkeep/full-sweep.ts'
import { type PruneOptions, type PruneReport, pruneStore } from './upkeep/prune.ts'
import { type RepairOptions, type RepairReport, repairStore } from './upkeep/repair/repair.ts'
import type { StoreSweepOptions, StoreSweepReport } from './upkeep/sweep.ts'
import { undoDeletion, type UndoneCheckpoint, type UndoOptions } from './upkeep/undo.ts'
import { verifyStore, type VerifyOptions, type VerifyReport } from './upkeep/verify.ts'
import { holdCheckpoint } from './attempts/hold-checkpoint.ts'
import type { UnfinishedSaves } from './attempts/unfinished.ts'
import { WriteAccess } from './upkeep/write-access.ts'

/** Copies between two stores. It needs the private parts of both. */
let copyBetween: (from: CheckpointStore, to: CheckpointStore, options: CopyOptions) => Promise<CopyReport>

/**
 * The checkpoints of one run under one root. Opening a store sends no request. The first write creates the store and, in
 * exclusive mode, takes it over. Reading does neither.
 *
 * `Name` is the union of the objectives that the options define. Methods then accept no other name. A `CheckpointStore` without
 * `Name` accepts every name, for objectives that only a configuration file or the store itself defines.
 *
 * Every method rejects with a `HoldfastError`, whose `code` names the kind of error. Close the store after use, for example
 * with `await using`. Closing waits for saves in the background and releases ownership.
 */
export class CheckpointStore<Name extends string = string>
  extends StoreReader<Name>
  implements AsyncDisposable
{
  static {
    copyBetween = async (from, to, options) => {
      to.#refuseInJob('copyCheckpoints')
      await Promise.all([from.#marker.refuseNewer(options.signal), to.#marker.refuseNewer(options.signal)])
      const source = { context: from.#context, id: (signal?: AbortSignal) => from.#id(signal) }
      const id = async (signal?: AbortSignal): Promise<string | undefined> =>
        (await readMarker(to.backend, signal)).kind === 'missing' ? undefined : to.#id(signal)
      const destination = { context: to.#context, access: to.#access, id }
      return traced('copy', { store: to.url, from: from.url }, () =>
        from.#underWay.run(() => to.#whileOpen(() => copyAll(source, destination, options))),
      )
    }
  }

  readonly #context: StoreContext
  readonly #marker: SupportedMarker
  readonly #background: BackgroundSaves
  readonly #access: WriteAccess
  readonly #writer: ChangeWriter
  readonly #underWay = new UnderWay()
  readonly #mirror: StoreMirror | undefined
  /** Defined if this process is a rank of a job. */
  readonly #ranks: Ranks | undefined
  readonly #savesInOrder = new SavesInOrder()
  readonly #packs: StoreOptions['packs']
  readonly #unchanged: StoreOptions['unchanged']
  #closed: Promise<void> | undefined
  readonly #whileOpen: WhileOpen = async (work) => {
    if (this.#closed === undefined) return this.#underWay.run(work)
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `The store ${this.url} is closed. Open it again to write to it.`,
    )
  }

  /**
   * Owns the backends: closing the store closes them. `mirrorBackend` is that of `options.mirror`. Throws `INVALID_ARGUMENT` for
   * unknown options.
   */
  constructor(
    backend: CheckpointBackend,
    options: StoreOptions<Name> = {},
    environment: Environment = systemEnvironment,
    events = new StoreEventEmitter(),
    mirrorBackend?: CheckpointBackend,
  ) {
    assertStoreOptions(options)
    const context = newContext(backend, options, environment, events)
    const marker = new SupportedMarker(backend)
    super(context, marker)
    this.#context = context
    this.#marker = marker
    this.#packs = options.packs
    this.#unchanged = options.unchanged
    this.#access = new WriteAccess(this.#context)
    if (options.ranks !== undefined) this.#ranks = new Ranks(this.#context, options.ranks)
    this.#writer = new ChangeWriter(this.#context, this.#access, this.#whileOpen, () => this.#mirror?.wake())
    this.#mirror = this.#connectMirror(options, mirrorBackend)
    this.#background = new BackgroundSaves((request) => this.#save(request), events, options.background)
  }

  /** The mirror of the store; `undefined` if the options name none. */
  get mirror(): Mirror | undefined {
    return this.#mirror
  }

  /**
   * Returns how far the mirror is that the store records or the options name; `undefined` if there is none. Sends no request to
   * the mirror, so a monitor can ask without access to it.
   */
  async mirrorStatus(options: StoreCallOptions = {}): Promise<MirrorStatus | undefined> {
    if (this.#mirror !== undefined) return this.#mirror.status(options.signal)
    const catalog = await this.#context.log.whole(options.signal)
    if (catalog.mirror === undefined) return undefined
    return mirrorStatus(catalog.mirror.place, catalog, catalog.mirror, { kind: 'idle' }, new Map())
  }

  /**
   * Calls a listener for each event of this name: see `StoreEvents`. Listeners are called synchronously, in the order in which
   * they were added. An error that a listener throws does not fail the operation. It ends the process, like any uncaught error.
   */
  on<Name extends keyof StoreEvents>(name: Name, listener: (event: StoreEvents[Name]) => void): this {
    this.#context.events.on(name, listener)
    return this
  }

  /** Removes a listener that `on` added. */
  off<Name extends keyof StoreEvents>(name: Name, listener: (event: StoreEvents[Name]) => void): this {
    this.#context.events.off(name, listener)
    return this
  }

  /**
   * Saves a checkpoint, and resolves when it is durable and committed.
   *
   * Rejects with `ALREADY_EXISTS` (the step is saved with other content), `INSUFFICIENT_SPACE`, `FENCED`, `OUTCOME_UNKNOWN`,
   * `INVALID_ARGUMENT` (also for a source that does not exist), `ABORTED`, or an error of the backend. The store is
   * then unchanged, except after `OUTCOME_UNKNOWN`.
   */
  async save(request: SaveRequest): Promise<SaveResult> {
    return this.#whileOpen(() => this.#save(request))
  }

  /**
   * Saves in the background. Resolves with a handle once fewer than `background.limit` other saves are running. Bytes are
   * copied before it resolves. Files must not change until the save is done.
   */
  async saveInBackground(request: SaveRequest): Promise<BackgroundSave> {
    return this.#whileOpen(() => this.#background.start(request))
  }

  /**
   * Waits for all saves in the background, for the deletion of the checkpoints that they dropped, and for the mirror, up to its
   * `flushLimit`. Throws errors that no caller has read. A failure of the mirror is not one of them.
   */
  async flush(): Promise<void> {
    try {
      await this.#background.flush()
    } finally {
      await this.#access.finish()
      await this.#ranks?.finish()
      await this.#mirror?.finish()
    }
  }

  /**
   * Restores a verified checkpoint into a folder. If it rejects, the folder has no part of the checkpoint. Returns
   * `undefined` if no checkpoint is the latest or the best. Rejects with `NOT_FOUND` if the step is not saved, and with
   * `CORRUPT` if the checkpoint is corrupt or, with `fallback`, if all are.
   */
  async restore(choice: CheckpointChoice<Name>, options: RestoreOptions): Promise<Restored | undefined> {
    return traced('restore', { store: this.url }, () => this.#restore(choice, options))
  }

  /**
   * Joins a job of many ranks without restoring files: the ranks agree on the checkpoint from which they continue, and this
   * one brings its state from elsewhere. Every rank of a job calls `restore` or `join` when it starts. Rejects with
   * `INCOMPLETE` if a rank does not join in time, and with `INVALID_ARGUMENT` if the store was opened without `ranks`.
   */
  async join(options: JoinOptions = {}): Promise<Joined> {
    refuseUnknownOptions(options, ['fallback', 'signal'], 'join', this.url)
    const ranks = this.#ranks
    if (ranks === undefined)
      throw new HoldfastError(
        'INVALID_ARGUMENT',
        'Only the ranks of a job join it. Open the store with ranks.',
        {
          url: this.url,
        },
      )
    await this.#marker.refuseNewer(options.signal)
    return this.#whileOpen(() => ranks.join(options))
  }

  /**
   * Returns the saves of other writers that began and were not committed: running ones, and those that killed writers left.
   * Lists all files of the store.
   */
  async unfinishedSaves(options: StoreCallOptions = {}): Promise<UnfinishedSaves> {
    await this.#marker.refuseNewer(options.signal)
    return this.#access.findUnfinished(options.signal)
  }

  /**
   * Protects a checkpoint from every deletion until it is unpinned. Pinning again changes the reason. If the backend holds objects
   * (`legalHolds` of S3), each object of the checkpoint also gets a legal hold. Rejects with `NOT_FOUND` if the step is not saved.
   * If a hold fails, it rejects with the error of the backend. The checkpoint is then pinned, and the call can be repeated.
   */
  async pin(step: number, reason?: string, options: StoreCallOptions = {}): Promise<void> {
    this.#refuseInJob('pin')
    assertStep(step)
    if (reason !== undefined) assertWellFormed(reason, 'The reason of a pin')
    const at = this.#context.environment.now().toISOString()
    const pin = reason === undefined ? { at } : { reason, at }
    const { signal } = options
    const committed = await this.#writer.write({ kind: 'pin', step, pin }, signal)
    await holdCheckpoint(this.#context, committed, step, { on: true, signal })
  }

  /** Ends the count of restores of a checkpoint, because the run works with it. See `maxTries` of `restore`. */
  async markGood(step: number, options: StoreCallOptions = {}): Promise<void> {
    assertStep(step)
    this.#refuseInJob('markGood')
    refuseUnknownOptions(options, ['signal'], 'markGood', this.url)
    await this.#writer.write({ kind: 'mark good', step }, options.signal)
  }

  /**
   * Ends the protection of a pin, and the legal holds of the checkpoint. From then on retention may drop the checkpoint. An unpin
   * of a checkpoint that is not pinned succeeds. Rejects with `NOT_FOUND` if the step is not saved. If a hold cannot be ended, it
   * rejects with the error of the backend. The checkpoint is then unpinned, and the call can be repeated.
   */
  async unpin(step: number, options: StoreCallOptions = {}): Promise<void> {
    this.#refuseInJob('unpin')
    assertStep(step)
    const { signal } = options
    const committed = await this.#access.freeing(signal, () =>
      this.#writer.write({ kind: 'unpin', step }, signal),
    )
    await holdCheckpoint(this.#context, committed, step, { on: false, signal })
  }

  /**
   * Adds metrics to a saved checkpoint, for example those of a slow evaluation. Replaces a metric of the same name. The same
   * commit decides again which checkpoints are the best and which are kept. It uses the objectives of all writers, and the
   * retention that the last save recorded, not that of this process. Rejects with `NOT_FOUND` if the step is not saved.
   */
  async attach(
    step: number,
    metrics: Readonly<Record<string, number>>,
    options: StoreCallOptions = {},
  ): Promise<AttachResult> {
    this.#refuseInJob('attach')
    assertStep(step)
    assertMetrics(metrics)
    return attachMetrics(this.#context, this.#writer, this.#access, step, metrics, options.signal)
  }

  /**
   * Applies the retention of this process, as each save does. With `dryRun` it only reports what it would drop. It can be
   * interrupted and repeated. With `undoFor`, or if the retention has a grace period, `undo()` lists again what it dropped. In
   * a store with `ranks`, any rank may call it after it has restored or saved, one rank commits, and it cannot be undone.
   *
   * Rejects with `NOT_FOUND` if the store does not exist, with `FENCED` if another writer owns it, and with `INVALID_ARGUMENT`
   * if `undoFor` is not a duration. The event `cleanupFailed` reports files that could not be deleted. A later sweep deletes
   * them.
   */
  async prune(options: PruneOptions = {}): Promise<PruneReport> {
    refuseUnknownOptions(options, ['dryRun', 'undoFor', 'signal'], 'prune', this.url)
    if (options.undoFor !== undefined) this.#refuseInJob('an undo of prune')
    await this.#marker.refuseNewer(options.signal)
    const ranks = this.#ranks
    const work = (): Promise<PruneReport> =>
      ranks !== undefined && options.dryRun !== true
        ? this.#whileOpen(() => ranks.prune(options))
        : pruneStore(this.#context, this.#writer, options)
    return options.dryRun === true ? work() : traced('prune', { store: this.url }, work)
  }

  /**
   * Returns to an older checkpoint, in one commit: it becomes the latest. Checkpoints that were saved after it are abandoned,
   * and so are saves that began before the rewind. Their steps are free again. The next save drops an abandoned checkpoint
   * unless it is pinned, is the best of an objective, or `keepEvery` or `keepTags` keeps it. With `dryRun` it only reports what
   * it would abandon. Rejects with `NOT_FOUND` if the step is not saved, and with `INVALID_ARGUMENT` if it is abandoned.
   *
   * In a store with `ranks`, all ranks MUST call it with the same step. They join as in `restore`, and one of them commits.
   * A following `restore` or `save` belongs to the same start of the job.
   */
  async rewind(step: number, options: RewindOptions = {}): Promise<RewindReport> {
    assertStep(step)
    refuseUnknownOptions(options, ['dryRun', 'signal'], 'rewind', this.url)
    await this.#marker.refuseNewer(options.signal)
    const ranks = this.#ranks
    if (ranks !== undefined && options.dryRun !== true)
      return this.#whileOpen(() => ranks.rewind(step, options.signal))
    return rewindStore(this.#context, this.#writer, step, options)
  }

  /**
   * Removes a recorded objective. It can then be defined differently, and protects no checkpoint. A writer that still defines
   * it records it again. Rejects with `NOT_FOUND` if it is not recorded, and with `INVALID_ARGUMENT` if another objective
   * contains it.
   */
  async forgetObjective(name: string, options: StoreCallOptions = {}): Promise<void> {
    this.#refuseInJob('forgetObjective')
    refuseUnknownOptions(options, ['signal'], 'forgetObjective', this.url)
    await this.#writer.write({ kind: 'forget objective', name }, options.signal)
  }

  /**
   * Removes the record of a mirror that is not used any more, so that no checkpoint is kept for it. A process that is opened with
   * the mirror records it again.
   */
  async forgetMirror(options: StoreCallOptions = {}): Promise<void> {
    refuseUnknownOptions(options, ['signal'], 'forgetMirror', this.url)
    await this.#writer.write({ kind: 'forget mirror' }, options.signal)
  }

  /**
   * Deletes checkpoints, including quarantined ones. Rejects with `NOT_FOUND` if one does not exist. Rejects with
   * `INVALID_ARGUMENT` if one is pinned, is the last one that is not quarantined, or is the best of an objective and
   * `allowBest` is not set. If it rejects so, it deletes nothing. With `undoFor`, or if the retention has a grace period,
   * `undo()` lists them again, except quarantined ones.
   */
  async delete(steps: readonly number[], options: DeleteOptions = {}): Promise<readonly DeletedCheckpoint[]> {
    this.#refuseInJob('delete')
    refuseUnknownOptions(options, ['allowBest', 'undoFor', 'signal'], 'delete', this.url)
    steps.forEach(assertStep)
    return steps.length === 0 ? [] : deleteCheckpoints(this.#writer, steps, options)
  }

  /**
   * Lists checkpoints again that `delete` or `prune` removed, in one commit: those of the last call, or those of `steps`. Their
   * metrics, tags and place in the order of saves are as before. The next save applies its retention to them. With `dryRun` it
   * only reports what it would list. `removed()` returns all that can be undone.
   *
   * Rejects with `NOT_FOUND` if there is nothing to undo, or if the files were deleted since; with `ALREADY_EXISTS` if a step was
   * saved again since; and with `CORRUPT` if files are missing. If it rejects, it lists nothing.
   */
  async undo(options: UndoOptions = {}): Promise<readonly UndoneCheckpoint[]> {
    this.#refuseInJob('undo')
    refuseUnknownOptions(options, ['steps', 'dryRun', 'signal'], 'undo', this.url)
    options.steps?.forEach(assertStep)
    await this.#marker.refuseNewer(options.signal)
    return undoDeletion(this.#context, this.#writer, options, (after) => nextDropsOf(this.#context, after))
  }

  /**
   * Verifies checkpoints and the store's own documents. Lists quarantined checkpoints that verify again, and changes nothing
   * else. Damage is part of the report, and is not an error. Rejects with `NOT_FOUND` if a step of `steps` is not saved, and with
   * `CORRUPT` if the newest catalog cannot be read.
   */
  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    refuseUnknownOptions(options, ['steps', 'quick', 'signal', 'onProgress'], 'verify', this.url)
    await this.#marker.refuseNewer(options.signal)
    await this.#access.cleanedUp(options.signal)
    return traced('verify', { store: this.url }, () =>
      this.#underWay.run(() =>
        verifyStore(this.#context, options, (entries) => this.#access.readmit(entries)),
      ),
    )
  }

  /**
   * Deletes leftovers: those of crashed and fenced saves, old catalog versions and pages, and unfinished uploads. The report
   * contains objects that could not be deleted. Rejects with `NOT_FOUND` if the store does not exist, with `FENCED` if another
   * writer owns it, and with `CORRUPT` if its newest catalog cannot be read. It can be interrupted and repeated.
   */
  async sweep(options: StoreSweepOptions = {}): Promise<StoreSweepReport> {
    this.#refuseInJob('sweep')
    refuseUnknownOptions(options, ['dryRun', 'now', 'signal'], 'sweep', this.url)
    await this.#marker.refuseNewer(options.signal)
    return this.#underWay.run(() => fullSweep(this.#context, this.#access, options, this.#whileOpen))
  }

  /**
   * Rebuilds a lost or damaged catalog from the checkpoints in the store. Loses no acknowledged save. It can be repeated.
   * Rejects with `UNAVAILABLE` if running writers commit again and again meanwhile. Rejects with `FENCED` if another writer owns
   * the store, unless the catalog is damaged or `takeOver` is set.
   */
  async repair(options: RepairOptions = {}): Promise<RepairReport> {
    this.#refuseInJob('repair')
    await this.#access.cleanedUp(options.signal)
    return this.#underWay.run(() =>
      repairStore(this.#context, options, (catalog, signal) =>
        completeJointSaves(this.#context, catalog, signal),
      ),
    )
  }

  /** Checks that the store supports everything that a writer needs, by trying it. */
  async doctor(options: StoreCallOptions = {}): Promise<readonly Diagnosis[]> {
    const { log, environment } = this.#context
    const job = async (signal: AbortSignal | undefined): Promise<string | undefined> => {
      const status = await jobStatus(this.#context, () => log.whole(signal), signal)
      return status && describeJob(status, environment.now())
    }
    return diagnoseStore(this.#context, job, options.signal)
  }

  /**
   * Waits for running operations, releases ownership (a job keeps it), and closes the backend. Throws errors of background saves that no
   * caller has read.
   */
  async close(): Promise<void> {
    if (this.#closed === undefined) {
      this.#closed = this.#close()
      await this.#closed
    } else {
      await this.#closed.catch(() => undefined) // the first call reports the error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #restore(choice: CheckpointChoice<Name>, options: RestoreOptions): Promise<Restored | undefined> {
    assertRestoreOptions(options, this.url)
    assertMayCount(this.#context, choice, options)
    await this.#marker.refuseNewer(options.signal)
    const ranks = this.#ranks
    if (ranks !== undefined) return this.#whileOpen(() => ranks.restore(choice, options))
    const upkeep: RestoreUpkeep = {
      quarantine: (finding) => this.#access.quarantine(finding),
      repair: (signal) => repairStore(this.#context, { signal }),
      count: ({ step, attempt }, stepsBack) =>
        countRestore(this.#context, this.#access, { step, attempt, stepsBack }, options.signal),
    }
    const mirror = this.#mirror
    return this.#underWay.run(() =>
      mirror === undefined
        ? restoreCheckpoint(this.#context, choice, options, upkeep)
        : mirror.restore(choice, options, upkeep),
    )
  }

  async #save(given: SaveRequest): Promise<SaveResult> {
    assertSaveRequest(given)
    const request = {
      ...given,
      packs: given.packs ?? this.#packs,
      unchanged: given.unchanged ?? this.#unchanged,
    }
    const { step, signal } = request
    const saved = await traced('save', { store: this.url, step }, () =>
      this.#savesInOrder.run(step, signal, () =>
        this.#ranks === undefined
          ? planAndSave(this.#context, this.#access, request)
          : this.#ranks.save(request),
      ),
    )
    this.#mirror?.wake()
    return saved
  }

  #connectMirror(options: StoreOptions, backend: CheckpointBackend | undefined): StoreMirror | undefined {
    if (options.mirror === undefined) return undefined
    if (backend === undefined)
      throw new HoldfastError('INVALID_ARGUMENT', 'A store with a mirror is opened with openStore().')
    const mirror = new StoreMirror(backend, options.mirror, parseLimits(options), this.#context, (signal) =>
      this.#access.ready(signal),
    )
    this.#access.beforeWrites((newest, signal) => mirror.recorded(newest, signal))
    return mirror
  }

  async #close(): Promise<void> {
    try {
      await this.#underWay.settled()
      await this.flush()
    } finally {
      try {
        await this.#mirror?.close()
        await this.#access.release()
      } finally {
        await this.backend.close()
      }
    }
  }

  /** Returns the id of the store. Rejects with `CORRUPT` if its marker is missing or damaged. */
  async #id(signal?: AbortSignal): Promise<string> {
    const found = await readMarker(this.backend, signal)
    if (found.kind === 'good') return found.marker.id
    throw new HoldfastError(
      'CORRUPT',
      `The marker of ${this.url} is ${found.kind}, so its checkpoints have no origin that a copy could name.`,
      { url: this.url, key: markerKey, hint: { kind: 'repair' } },
    )
  }

  /** Throws `UNSUPPORTED` for a change that the ranks of a job do not make together. */
  #refuseInJob(what: string): void {
    if (this.#ranks === undefined) return
    throw new HoldfastError(
      'UNSUPPORTED',
      `The ranks of a job save and restore together, and ${what}() is not something they do together. Open the store ` +
        'without ranks when the job does not run.',
      { url: this.url },
    )
  }
}

/**
 * Copies checkpoints from one store into another. By default it copies all that the destination does not have, in the order
 * in which they were saved. Every byte is verified on its way. A checkpoint that is corrupt at the source is never committed
 * at the destination: it is reported as failed, and the others are copied.
 *
 * A copy that is interrupted continues when it is called again. A checkpoint that the destination has is not copied again.
 * Checkpoints that the retention of the destination would drop are skipped. Rejects with `NOT_FOUND` if the source is empty or
 * lacks a chosen checkpoint, and as `save` does for the destination.
 *
 * @example
 * const { outcomes } = await copyCheckpoints(local, remote, { checkpoints: ['latest'] })
 */
export async function copyCheckpoints<Name extends string>(
  from: CheckpointStore<Name>,
  to: CheckpointStore,
  options: CopyOptions<NoInfer<Name>> = {},
): Promise<CopyReport> {
  return copyBetween(from, to, options)
}
