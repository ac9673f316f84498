import type { CheckpointBackend } from '../backend/index.ts'
import { assertStep } from '../catalog/documents/index.ts'
import type { CheckpointChoice } from '../catalog/judging/choose.ts'
import { systemEnvironment, type Environment } from '../environment.ts'
import { assertWellFormed } from '../input/json.ts'
import type { StoreCallOptions, StoreCalls } from './calls.ts'
import type { StoreContext } from './context/context.ts'
import { StoreReader } from './store-reader.ts'
import { StoreEventEmitter, type StoreEvents } from './context/events.ts'
import type { Lifetime } from './lifetime.ts'
import { assertStoreOptions, type StoreOptions } from './options.ts'
import { newParts, type StoreParts } from './parts.ts'
import { nextDropsOf } from './read/next-drops.ts'
import { notARank } from './ranks/errors.ts'
import { describeJob } from './ranks/job-status.ts'
import { type Joined, Ranks } from './ranks/ranks.ts'
import { completeJointSaves } from './ranks/complete-joint-saves.ts'
import type { JoinOptions } from './ranks/resume.ts'
import { mirrorOfOptions } from './mirror/mirror-of-options.ts'
import type { StoreMirror } from './mirror/mirror.ts'
import { type Mirror, type MirrorStatus, recordedMirrorStatus } from './mirror/status.ts'
import { assertMayCount } from './restore/count-restores.ts'
import { assertRestoreOptions, type Restored, type RestoreOptions } from './restore/result.ts'
import type { BackgroundSave } from './save/background.ts'
import { assertMetrics, type SaveRequest } from './save/request.ts'
import type { SaveResult } from './save/result.ts'
import { Saves } from './saves.ts'
import { type ProcessRole, SingleProcess } from './single-process.ts'
import { attachMetrics, type AttachResult } from './upkeep/attach.ts'
import { ChangeWriter } from './upkeep/change-writer.ts'
import { deleteCheckpoints, type DeletedCheckpoint, type DeleteOptions } from './upkeep/delete.ts'
import { type Diagnosis, diagnoseStore } from './upkeep/doctor.ts'
import { fullSweep } from './upkeep/full-sweep.ts'
import { findUnfinishedSaves } from './upkeep/others-saves.ts'
import { pinCheckpoints, unpinCheckpoints } from './upkeep/pin.ts'
import type { PruneOptions, PruneReport } from './upkeep/prune.ts'
import type { RepairReport } from './upkeep/repair/plan-rebuild.ts'
import { type RepairOptions, repairStore } from './upkeep/repair/repair.ts'
import type { RewindOptions, RewindReport } from './upkeep/rewind.ts'
import type { StoreSweepOptions, StoreSweepReport } from './upkeep/sweep.ts'
import { undoDeletion, type UndoneCheckpoint, type UndoOptions } from './upkeep/undo.ts'
import { verifyStore, type VerifyOptions, type VerifyReport } from './upkeep/verify.ts'
import type { UnfinishedSaves } from './attempts/unfinished.ts'
import type { WriteAccess } from './upkeep/write-access.ts'

/** Set by the class, which alone can read its private members. */
let privatePartsOf: (store: CheckpointStore) => StoreParts

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
    privatePartsOf = (store) => store.#parts
  }

  readonly #parts: StoreParts
  readonly #context: StoreContext
  readonly #calls: StoreCalls
  readonly #lifetime: Lifetime
  readonly #access: WriteAccess
  readonly #writer: ChangeWriter
  readonly #saves: Saves
  readonly #mirror: StoreMirror | undefined
  /** Defined if this process is a rank of a job. */
  readonly #ranks: Ranks | undefined
  readonly #singleProcess: SingleProcess
  readonly #role: ProcessRole

  /**
   * Owns the backends: closing the store closes them. `mirrorBackend` is that of `options.mirror`. Throws `INVALID_ARGUMENT`
   * for unknown options.
   */
  constructor(
    backend: CheckpointBackend,
    options: StoreOptions<Name> = {},
    environment: Environment = systemEnvironment,
    events = new StoreEventEmitter(),
    mirrorBackend?: CheckpointBackend,
  ) {
    assertStoreOptions(options)
    const parts = newParts(backend, options, environment, events, mirrorBackend)
    const { context, calls, lifetime, access, destination } = parts
    super(context, calls)
    this.#parts = parts
    this.#context = context
    this.#calls = calls
    this.#lifetime = lifetime
    this.#access = access
    this.#mirror = mirrorOfOptions(options.mirror, mirrorBackend, access, destination)
    const afterwards = (): void => this.#mirror?.wake()
    this.#writer = new ChangeWriter(context, access, afterwards)
    this.#ranks = options.ranks && new Ranks(context, options.ranks)
    this.#saves = new Saves(context, access, this.#ranks, options, afterwards)
    this.#singleProcess = new SingleProcess(context, access, this.#writer, this.#mirror)
    this.#role = this.#ranks ?? this.#singleProcess
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
    return this.#lifetime.whileOpen(() => this.#saves.save(request))
  }

  /**
   * Saves in the background. Resolves with a handle once fewer than `background.limit` other saves are running. Bytes are
   * copied before it resolves. Files must not change until the save is done.
   */
  async saveInBackground(request: SaveRequest): Promise<BackgroundSave> {
    return this.#lifetime.whileOpen(() => this.#saves.saveInBackground(request))
  }

  /**
   * Waits for all saves in the background, for the deletion of the checkpoints that they dropped, and for the mirror, up to its
   * `flushLimit`. Throws errors that no caller has read. A failure of the mirror is not one of them.
   */
  async flush(): Promise<void> {
    try {
      await this.#saves.flush()
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
    assertRestoreOptions(options, this.url, this.#mirror?.url)
    assertMayCount(this.#context, choice, options)
    return this.#calls.run('restore', options, () => this.#role.restore(choice, options))
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
    return this.#calls.run('unfinishedSaves', options, (signal) =>
      findUnfinishedSaves(this.#context, this.#access.attempts, signal),
    )
  }

  /**
   * Protects checkpoints from every deletion until they are unpinned, in one commit. Pinning again changes the reason. If the
   * backend holds objects (`legalHolds` of S3), each object of the checkpoints also gets a legal hold. Rejects with `NOT_FOUND`
   * if a step is not saved, and then pins none. If a hold fails, it rejects with the error of the backend. The checkpoints are
   * then pinned, and the call can be repeated.
   */
  async pin(
    which: number | readonly number[],
    reason?: string,
    options: StoreCallOptions = {},
  ): Promise<void> {
    const steps = stepsOf(which)
    if (reason !== undefined) assertWellFormed(reason, 'The reason of a pin')
    return this.#calls.run('pin', options, async (signal) => {
      if (steps.length > 0) await pinCheckpoints(this.#context, this.#writer, steps, reason, signal)
    })
  }

  /** Ends the count of restores of a checkpoint, because the run works with it. See `maxTries` of `restore`. */
  async markGood(step: number, options: StoreCallOptions = {}): Promise<void> {
    assertStep(step)
    return this.#calls.run('markGood', options, async (signal) => {
      await this.#writer.write({ kind: 'mark good', step }, signal)
    })
  }

  /**
   * Ends the protection of pins, and the legal holds of the checkpoints, in one commit. From then on retention may drop the
   * checkpoints. An unpin of a checkpoint that is not pinned succeeds. Rejects with `NOT_FOUND` if a step is not saved, and then
   * unpins none. If a hold cannot be ended, it rejects with the error of the backend. The checkpoints are then unpinned, and the
   * call can be repeated.
   */
  async unpin(which: number | readonly number[], options: StoreCallOptions = {}): Promise<void> {
    const steps = stepsOf(which)
    return this.#calls.run('unpin', options, async (signal) => {
      if (steps.length > 0) await unpinCheckpoints(this.#context, this.#writer, this.#access, steps, signal)
    })
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
   * interrupted and repeated. With `undoFor`, or if the retention has a grace period, `undo()` lists again what it dropped.
   * In a store with `ranks`, any rank may call it after it has restored or saved, one rank commits, and it cannot be undone.
   *
   * A store that does not exist yet has nothing to prune. Rejects with `FENCED` if another writer owns the store, and with
   * `INVALID_ARGUMENT` if `undoFor` is not a duration. The event `cleanupFailed` reports files that could not be deleted. A
   * later sweep deletes them.
   */
  async prune(options: PruneOptions = {}): Promise<PruneReport> {
    if (options.undoFor !== undefined) this.#calls.refuseInJob('an undo of prune()')
    return this.#calls.run('prune', options, () => this.#roleFor(options).prune(options))
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
    return this.#calls.run('rewind', options, () => this.#roleFor(options).rewind(step, options))
  }

  /**
   * Removes a recorded objective. It can then be defined differently, and protects no checkpoint. A writer that still defines
   * it records it again. Rejects with `NOT_FOUND` if it is not recorded, and with `INVALID_ARGUMENT` if another objective
   * contains it.
   */
  async forgetObjective(name: string, options: StoreCallOptions = {}): Promise<void> {
    return this.#calls.run('forgetObjective', options, async (signal) => {
      await this.#writer.write({ kind: 'forget objective', name }, signal)
    })
  }

  /**
   * Removes the record of a mirror that is not used any more, so that no checkpoint is kept for it. A process that is opened
   * with the mirror records it again.
   */
  async forgetMirror(options: StoreCallOptions = {}): Promise<void> {
    return this.#calls.run('forgetMirror', options, async (signal) => {
      await this.#writer.write({ kind: 'forget mirror' }, signal)
    })
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
   * Lists checkpoints again that `delete` or `prune` removed, in one commit: those of the last call, or those of `steps`.
   * Their metrics, tags and place in the order of saves are as before. The next save applies its retention to them. With
   * `dryRun` it only reports what it would list. `removed()` returns all that can be undone.
   *
   * Rejects with `NOT_FOUND` if there is nothing to undo, or if the files were deleted since; with `ALREADY_EXISTS` if a step
   * was saved again since; and with `CORRUPT` if files are missing. If it rejects, it lists nothing.
   */
  async undo(options: UndoOptions = {}): Promise<readonly UndoneCheckpoint[]> {
    options.steps?.forEach(assertStep)
    return this.#calls.run('undo', options, () =>
      undoDeletion(this.#context, this.#writer, options, (after) => nextDropsOf(this.#context, after)),
    )
  }

  /**
   * Verifies checkpoints and the store's own documents. Lists quarantined checkpoints that verify again, and changes nothing
   * else. Damage is part of the report, and is not an error. Rejects with `NOT_FOUND` if a step of `steps` is not saved, and
   * with `CORRUPT` if the newest catalog cannot be read.
   */
  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    return this.#calls.run('verify', options, async (signal) => {
      await this.#access.cleanedUp(signal)
      return verifyStore(this.#context, options, (entries) => this.#access.findings.readmit(entries))
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
   * Rejects with `UNAVAILABLE` if running writers commit again and again meanwhile. In shared mode and in a job, rejects with
   * `FENCED` if another writer owns the store, unless the catalog is damaged or `takeOver` is set. In exclusive mode it takes
   * the store over.
   */
  async repair(options: RepairOptions = {}): Promise<RepairReport> {
    return this.#calls.run('repair', options, async (signal) => {
      await this.#access.cleanedUp(signal)
      return repairStore(this.#context, options, (readable, ownSignal) =>
        completeJointSaves(this.#context, readable, ownSignal),
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

  /** A dry run changes nothing, so a rank makes it without the others. */
  #roleFor({ dryRun = false }: { readonly dryRun?: boolean | undefined }): ProcessRole {
    return dryRun ? this.#singleProcess : this.#role
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
}

/** Returns the private parts of a store, for an operation on two stores. */
export function partsOfStore(store: CheckpointStore): StoreParts {
  return privatePartsOf(store)
}

function stepsOf(which: number | readonly number[]): readonly number[] {
  const steps = typeof which === 'number' ? [which] : [...new Set(which)]
  steps.forEach(assertStep)
  return steps
}
