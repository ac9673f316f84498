import type { CheckpointBackend } from '../backend/index.ts'
import { assertStep } from '../catalog/documents/index.ts'
import type { Change } from '../catalog/commit/changes/index.ts'
import type { CheckpointChoice } from '../catalog/judging/choose.ts'
import { systemEnvironment, type Environment } from '../environment.ts'
import { HoldfastError } from '../errors.ts'
import type { TransferLimits } from '../pacing/index.ts'
import { assertWellFormed } from '../json.ts'
import { type StoreCallOptions, StoreCalls } from './calls.ts'
import type { StoreContext } from './context.ts'
import { copyAll } from './copy/copy-checkpoints.ts'
import { CorruptCopies } from './copy/corrupt-copies.ts'
import type { CopyOptions, CopyReport } from './copy/options.ts'
import type { CopyDestination, CopySource } from './copy/sides.ts'
import { StoreReader } from './store-reader.ts'
import { StoreEventEmitter, type StoreEvents } from './events.ts'
import { Lifetime } from './lifetime.ts'
import { newContext } from './new-context.ts'
import { assertStoreOptions, type StoreOptions } from './options.ts'
import { nextDropsOf } from './read/next-drops.ts'
import { type RewindOptions, type RewindReport, rewindStore } from './upkeep/rewind.ts'
import { notARank } from './ranks/errors.ts'
import { describeJob } from './ranks/job-status.ts'
import { type Joined, Ranks } from './ranks/ranks.ts'
import { completeJointSaves } from './ranks/recover.ts'
import type { JoinOptions } from './ranks/resume.ts'
import { StoreMirror } from './mirror/mirror.ts'
import { findOwnMirror, type OwnMirror } from './mirror/own-mirror.ts'
import { type Mirror, type MirrorStatus, recordedMirrorStatus } from './mirror/status.ts'
import { assertMayCount, countRestore } from './restore/count.ts'
import { restoreCheckpoint } from './restore/restore.ts'
import { assertRestoreOptions, type Restored, type RestoreOptions } from './restore/result.ts'
import type { RestoreUpkeep } from './restore/try-to-restore.ts'
import { type BackgroundSave, BackgroundSaves } from './save/background.ts'
import { planAndSave } from './save/plan-and-save.ts'
import { SavesInOrder } from './save/saves-in-order.ts'
import { assertMetrics, assertSaveRequest, type SaveRequest } from './save/request.ts'
import type { SaveResult } from './save/result.ts'
import { traced } from './tracing.ts'
import { attachMetrics, type AttachResult } from './upkeep/attach.ts'
import { ChangeWriter } from './upkeep/change-writer.ts'
import { deleteCheckpoints, type DeletedCheckpoint, type DeleteOptions } from './upkeep/delete.ts'
import { type Diagnosis, diagnoseStore } from './upkeep/doctor.ts'
import { idOf, readMarker } from './upkeep/ensure-marker.ts'
import { inBackground, parseLimits } from './transfer-limits.ts'
import { fullSweep } from './upkeep/full-sweep.ts'
import { pinCheckpoint, unpinCheckpoint } from './upkeep/pin.ts'
import { type PruneOptions, type PruneReport, pruneStore } from './upkeep/prune.ts'
import { type RepairOptions, type RepairReport, repairStore } from './upkeep/repair/repair.ts'
import type { StoreSweepOptions, StoreSweepReport } from './upkeep/sweep.ts'
import { undoDeletion, type UndoneCheckpoint, type UndoOptions } from './upkeep/undo.ts'
import { verifyStore, type VerifyOptions, type VerifyReport } from './upkeep/verify.ts'
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
      to.#calls.refuseInJob('copyCheckpoints()')
      await Promise.all([from, to].map((store) => store.#calls.refuseNewer(options.signal)))
      const source = { context: from.#context, id: (signal?: AbortSignal) => idOf(from.backend, signal) }
      const destination = to.#asDestination()
      return traced('copy', { store: to.url, from: from.url }, () =>
        from.#lifetime.run(() =>
          to.#lifetime.whileOpen(async () => {
            const mirror = await to.#asMirrorOf(from, source, destination, options.signal)
            return mirror === undefined ? copyAll(source, destination, options) : mirror.copy(options)
          }),
        ),
      )
    }
  }

  readonly #context: StoreContext
  readonly #calls: StoreCalls
  readonly #background: BackgroundSaves
  readonly #access: WriteAccess
  readonly #writer: ChangeWriter
  readonly #lifetime: Lifetime
  readonly #mirror: StoreMirror | undefined
  /** Defined if this process is a rank of a job. */
  readonly #ranks: Ranks | undefined
  /** Stores whose mirror this store is, and from which this process copies. */
  readonly #mirrorOf = new WeakMap<CheckpointStore, OwnMirror>()
  readonly #corruptCopies = new CorruptCopies()
  readonly #limits: TransferLimits
  readonly #savesInOrder = new SavesInOrder()
  readonly #packs: StoreOptions['packs']
  readonly #unchanged: StoreOptions['unchanged']

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
    const lifetime = new Lifetime(backend.url)
    const calls = new StoreCalls(backend, options.ranks !== undefined, lifetime)
    super(context, calls)
    this.#context = context
    this.#calls = calls
    this.#lifetime = lifetime
    this.#limits = parseLimits(options)
    this.#packs = options.packs
    this.#unchanged = options.unchanged
    this.#access = new WriteAccess(this.#context)
    if (options.ranks !== undefined) this.#ranks = new Ranks(this.#context, options.ranks)
    this.#writer = new ChangeWriter(this.#context, this.#access, () => this.#mirror?.wake())
    this.#mirror = this.#connectMirror(options, mirrorBackend)
    this.#background = new BackgroundSaves(
      (request) => this.#save(request, inBackground(context)),
      context,
      options.background,
    )
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
    return this.#calls.run('mirrorStatus', options, (signal) =>
      this.#mirror === undefined ? recordedMirrorStatus(this.#context, signal) : this.#mirror.status(signal),
    )
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
    return this.#lifetime.whileOpen(() => this.#save(request))
  }

  /**
   * Saves in the background. Resolves with a handle once fewer than `background.limit` other saves are running. Bytes are
   * copied before it resolves. Files must not change until the save is done.
   */
  async saveInBackground(request: SaveRequest): Promise<BackgroundSave> {
    return this.#lifetime.whileOpen(() => this.#background.start(request))
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
   * `CORRUPT` if the checkpoint is corrupt or, with `fallback`, if all are. The latest is also `CORRUPT` if only quarantined or
   * abandoned checkpoints are left, so no run starts from nothing beside them.
   */
  async restore(choice: CheckpointChoice<Name>, options: RestoreOptions): Promise<Restored | undefined> {
    assertRestoreOptions(options, this.url)
    assertMayCount(this.#context, choice, options)
    return this.#calls.run('restore', options, () => this.#restore(choice, options))
  }

  /**
   * Joins a job of many ranks without restoring files: the ranks agree on the checkpoint from which they continue, and this
   * one brings its state from elsewhere. Every rank of a job calls `restore` or `join` when it starts. Rejects with
   * `INCOMPLETE` if a rank does not join in time, and with `INVALID_ARGUMENT` if the store was opened without `ranks`.
   */
  async join(options: JoinOptions = {}): Promise<Joined> {
    const ranks = this.#ranks
    if (ranks === undefined) throw notARank(this.url)
    return this.#calls.run('join', options, () => ranks.join(options))
  }

  /**
   * Returns the saves of other writers that began and were not committed: running ones, and those that killed writers left.
   * Lists all files of the store.
   */
  async unfinishedSaves(options: StoreCallOptions = {}): Promise<UnfinishedSaves> {
    return this.#calls.run('unfinishedSaves', options, (signal) => this.#access.findUnfinished(signal))
  }

  /**
   * Protects a checkpoint from every deletion until it is unpinned. Pinning again changes the reason. If the backend holds objects
   * (`legalHolds` of S3), each object of the checkpoint also gets a legal hold. Rejects with `NOT_FOUND` if the step is not saved.
   * If a hold fails, it rejects with the error of the backend. The checkpoint is then pinned, and the call can be repeated.
   */
  async pin(step: number, reason?: string, options: StoreCallOptions = {}): Promise<void> {
    assertStep(step)
    if (reason !== undefined) assertWellFormed(reason, 'The reason of a pin')
    return this.#calls.run('pin', options, (signal) =>
      pinCheckpoint(this.#context, this.#writer, step, reason, signal),
    )
  }

  /** Ends the count of restores of a checkpoint, because the run works with it. See `maxTries` of `restore`. */
  async markGood(step: number, options: StoreCallOptions = {}): Promise<void> {
    assertStep(step)
    return this.#calls.run('markGood', options, (signal) => this.#change({ kind: 'mark good', step }, signal))
  }

  /**
   * Ends the protection of a pin, and the legal holds of the checkpoint. From then on retention may drop the checkpoint. An unpin
   * of a checkpoint that is not pinned succeeds. Rejects with `NOT_FOUND` if the step is not saved. If a hold cannot be ended, it
   * rejects with the error of the backend. The checkpoint is then unpinned, and the call can be repeated.
   */
  async unpin(step: number, options: StoreCallOptions = {}): Promise<void> {
    assertStep(step)
    return this.#calls.run('unpin', options, (signal) =>
      unpinCheckpoint(this.#context, this.#writer, this.#access, step, signal),
    )
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
    assertStep(step)
    assertMetrics(metrics)
    return this.#calls.run('attach', options, (signal) =>
      attachMetrics(this.#context, this.#writer, this.#access, step, metrics, signal),
    )
  }

  /**
   * Applies the retention of this process, as each save does. With `dryRun` it only reports what it would drop. It can be
   * interrupted and repeated. With `undoFor`, or if the retention has a grace period, `undo()` lists again what it dropped. In
   * a store with `ranks`, any rank may call it after it has restored or saved, one rank commits, and it cannot be undone.
   *
   * A store that does not exist yet has nothing to prune. Rejects with `FENCED` if another writer owns the store, and with
   * `INVALID_ARGUMENT` if `undoFor` is not a duration. The event `cleanupFailed` reports files that could not be deleted. A later sweep deletes
   * them.
   */
  async prune(options: PruneOptions = {}): Promise<PruneReport> {
    if (options.undoFor !== undefined) this.#calls.refuseInJob('an undo of prune()')
    return this.#calls.run('prune', options, () => {
      if (options.dryRun === true) return pruneStore(this.#context, this.#writer, options)
      const ranks = this.#ranks
      return ranks === undefined ? pruneStore(this.#context, this.#writer, options) : ranks.prune(options)
    })
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
    return this.#calls.run('rewind', options, (signal) => {
      const ranks = this.#ranks
      return ranks === undefined || options.dryRun === true
        ? rewindStore(this.#context, this.#writer, step, options)
        : ranks.rewind(step, signal)
    })
  }

  /**
   * Removes a recorded objective. It can then be defined differently, and protects no checkpoint. A writer that still defines
   * it records it again. Rejects with `NOT_FOUND` if it is not recorded, and with `INVALID_ARGUMENT` if another objective
   * contains it.
   */
  async forgetObjective(name: string, options: StoreCallOptions = {}): Promise<void> {
    return this.#calls.run('forgetObjective', options, (signal) =>
      this.#change({ kind: 'forget objective', name }, signal),
    )
  }

  /**
   * Removes the record of a mirror that is not used any more, so that no checkpoint is kept for it. A process that is opened with
   * the mirror records it again.
   */
  async forgetMirror(options: StoreCallOptions = {}): Promise<void> {
    return this.#calls.run('forgetMirror', options, (signal) =>
      this.#change({ kind: 'forget mirror' }, signal),
    )
  }

  /**
   * Deletes checkpoints, including quarantined ones. Rejects with `NOT_FOUND` if one does not exist. Rejects with
   * `INVALID_ARGUMENT` if one is pinned, is the last one that is not quarantined, or is the best of an objective and
   * `allowBest` is not set. If it rejects so, it deletes nothing. With `undoFor`, or if the retention has a grace period,
   * `undo()` lists them again, except quarantined ones.
   */
  async delete(steps: readonly number[], options: DeleteOptions = {}): Promise<readonly DeletedCheckpoint[]> {
    steps.forEach(assertStep)
    return this.#calls.run('delete', options, async () =>
      steps.length === 0 ? [] : deleteCheckpoints(this.#writer, steps, options),
    )
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
    options.steps?.forEach(assertStep)
    return this.#calls.run('undo', options, () =>
      undoDeletion(this.#context, this.#writer, options, (after) => nextDropsOf(this.#context, after)),
    )
  }

  /**
   * Verifies checkpoints and the store's own documents. Lists quarantined checkpoints that verify again, and changes nothing
   * else. Damage is part of the report, and is not an error. Rejects with `NOT_FOUND` if a step of `steps` is not saved, and with
   * `CORRUPT` if the newest catalog cannot be read.
   */
  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    return this.#calls.run('verify', options, async (signal) => {
      await this.#access.cleanedUp(signal)
      return verifyStore(this.#context, options, (entries) => this.#access.readmit(entries))
    })
  }

  /**
   * Deletes leftovers: those of crashed and fenced saves, old catalog versions and pages, and unfinished uploads. The report
   * contains objects that could not be deleted. A store that does not exist yet has none. Rejects with `FENCED` if another
   * writer owns the store, and with `CORRUPT` if its newest catalog cannot be read. It can be interrupted and repeated.
   */
  async sweep(options: StoreSweepOptions = {}): Promise<StoreSweepReport> {
    return this.#calls.run('sweep', options, () => fullSweep(this.#context, this.#access, options))
  }

  /**
   * Rebuilds a lost or damaged catalog from the checkpoints in the store. Loses no acknowledged save. It can be repeated.
   * Rejects with `UNAVAILABLE` if running writers commit again and again meanwhile. Rejects with `FENCED` if another writer owns
   * the store, unless the catalog is damaged or `takeOver` is set.
   */
  async repair(options: RepairOptions = {}): Promise<RepairReport> {
    return this.#calls.run('repair', options, async (signal) => {
      await this.#access.cleanedUp(signal)
      return repairStore(this.#context, options, (catalog, ownSignal) =>
        completeJointSaves(this.#context, catalog, ownSignal),
      )
    })
  }

  /** Checks that the store supports everything that a writer needs, by trying it. */
  async doctor(options: StoreCallOptions = {}): Promise<readonly Diagnosis[]> {
    return this.#calls.run('doctor', options, (signal) =>
      diagnoseStore(this.#context, () => describeJob(this.#context, signal), signal),
    )
  }

  /**
   * Waits for running operations, releases ownership (a job keeps it), and closes the backend. From then on, methods that may
   * write reject with `INVALID_ARGUMENT`. Throws errors of background saves that no caller has read.
   */
  async close(): Promise<void> {
    await this.#lifetime.close(() => this.#end())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #restore(choice: CheckpointChoice<Name>, options: RestoreOptions): Promise<Restored | undefined> {
    if (this.#ranks !== undefined) return this.#ranks.restore(choice, options)
    const upkeep: RestoreUpkeep = {
      quarantine: (finding) => this.#access.quarantine(finding),
      repair: (signal) => repairStore(this.#context, { signal }),
      count: ({ step, attempt }, stepsBack) =>
        countRestore(this.#context, this.#access, { step, attempt, stepsBack }, options.signal),
    }
    return this.#mirror === undefined
      ? restoreCheckpoint(this.#context, choice, options, upkeep)
      : this.#mirror.restore(choice, options, upkeep)
  }

  async #save(given: SaveRequest, context = this.#context): Promise<SaveResult> {
    assertSaveRequest(given)
    const request = {
      ...given,
      packs: given.packs ?? this.#packs,
      unchanged: given.unchanged ?? this.#unchanged,
    }
    const { step, signal } = request
    const saved = await traced('save', { store: this.url, step }, () =>
      this.#savesInOrder.run(step, signal, () =>
        this.#ranks === undefined ? planAndSave(context, this.#access, request) : this.#ranks.save(request),
      ),
    )
    this.#mirror?.wake()
    return saved
  }

  #connectMirror(options: StoreOptions, backend: CheckpointBackend | undefined): StoreMirror | undefined {
    if (options.mirror === undefined) return undefined
    if (backend === undefined)
      throw new HoldfastError('INVALID_ARGUMENT', 'A store with a mirror is opened with openStore().')
    const local = {
      context: this.#context,
      ready: async (signal: AbortSignal | undefined) => this.#access.ready(signal),
    }
    const mirror = new StoreMirror(backend, options.mirror, this.#limits, local, this.#asDestination())
    this.#access.beforeWrites((newest, signal) => mirror.recorded(newest, signal))
    return mirror
  }

  #asDestination(): CopyDestination {
    const id = async (signal?: AbortSignal): Promise<string | undefined> =>
      (await readMarker(this.backend, signal)).kind === 'missing' ? undefined : idOf(this.backend, signal)
    return { context: this.#context, access: this.#access, id, corrupt: this.#corruptCopies }
  }

  /** Returns this store as the mirror of another one; `undefined` if it is not. */
  async #asMirrorOf(
    from: CheckpointStore,
    source: CopySource,
    destination: CopyDestination,
    signal: AbortSignal | undefined,
  ): Promise<OwnMirror | undefined> {
    const known = this.#mirrorOf.get(from)
    const mirror = await findOwnMirror(source, destination, this.#limits, known, signal)
    if (mirror !== undefined) this.#mirrorOf.set(from, mirror)
    return mirror
  }

  async #end(): Promise<void> {
    try {
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

  async #change(change: Change, signal: AbortSignal | undefined): Promise<void> {
    await this.#writer.write(change, signal)
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
