import { hostname } from 'node:os'
import { UnderWay } from '../async/under-way.ts'
import { type CheckpointBackend, refuseUnknownOptions } from '../backend/index.ts'
import { CatalogLog } from '../catalog/commit/catalog-log.ts'
import { assertStep } from '../catalog/documents/index.ts'
import {
  type Checkpoint,
  type CheckpointDetails,
  factsOf,
  type JudgedCheckpoint,
  judgedCheckpoints,
  type QuarantinedCheckpoint,
} from '../catalog/judging/checkpoint.ts'
import type { CheckpointChoice } from '../catalog/judging/choose.ts'
import { hasFields } from '../catalog/judging/judgement.ts'
import { type MeasuredStep, measuredSteps, plateau } from '../catalog/judging/measure.ts'
import { type UnscoredObjective, unscoredObjectives } from '../catalog/judging/unscored.ts'
import { systemEnvironment, type Environment } from '../environment.ts'
import { HoldfastError } from '../errors.ts'
import { assertWellFormed } from '../json.ts'
import type { Plateau } from '../metrics/index.ts'
import { planRetention } from '../retention/index.ts'
import { spaceLimits } from '../space/index.ts'
import type { StoreContext } from './context.ts'
import { StoreEventEmitter, type StoreEvents } from './events.ts'
import { assertStoreOptions, defaultGracePeriod, type StoreOptions } from './options.ts'
import {
  bestCheckpoint,
  checkpointDetails,
  newestJudged,
  quarantinedCheckpoints,
} from './read/checkpoints.ts'
import { findCheckpoint } from './read/find.ts'
import { readFile, type StreamedFile } from './read/read-file.ts'
import { restoreCheckpoint } from './restore/restore.ts'
import { assertRestoreOptions, type Restored, type RestoreOptions } from './restore/result.ts'
import { RestoresUnderWay } from './restores-under-way.ts'
import { type BackgroundSave, BackgroundSaves } from './save/background.ts'
import { planAndSave } from './save/plan-and-save.ts'
import { assertMetrics, type SaveRequest } from './save/request.ts'
import type { SaveResult } from './save/result.ts'
import { attachMetrics, type AttachResult } from './upkeep/attach.ts'
import { ChangeWriter, type WhileOpen } from './upkeep/change-writer.ts'
import { type Diagnosis, diagnoseStore } from './upkeep/doctor.ts'
import { readMarker } from './upkeep/ensure-marker.ts'
import { fullSweep } from './upkeep/full-sweep.ts'
import { type PruneOptions, type PruneReport, pruneStore } from './upkeep/prune.ts'
import { type RepairOptions, type RepairReport, repairStore } from './upkeep/repair.ts'
import type { StoreSweepOptions, StoreSweepReport } from './upkeep/sweep.ts'
import { verifyStore, type VerifyOptions, type VerifyReport } from './upkeep/verify.ts'
import { WriteAccess } from './upkeep/write-access.ts'

export interface StoreCallOptions {
  readonly signal?: AbortSignal | undefined
}

/**
 * One run's checkpoints under one root. Opening touches nothing: the first write makes the store, and in
 * exclusive mode takes it over; reading never does.
 *
 * Every method rejects with a `HoldfastError`; its `code` tells them apart. Close the store when done
 * (`await using` does), which waits for saves in the background and gives ownership back.
 */
export class CheckpointStore implements AsyncDisposable {
  readonly #context: StoreContext
  readonly #background: BackgroundSaves
  readonly #access: WriteAccess
  readonly #writer: ChangeWriter
  readonly #underWay = new UnderWay()
  #isMarkerSupported = false
  #closed: Promise<void> | undefined
  readonly #whileOpen: WhileOpen = async (work) => {
    if (this.#closed === undefined) return this.#underWay.run(work)
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `The store ${this.url} is closed. Open it again to write to it.`,
    )
  }

  /** Takes the backend over: closing the store closes it. Throws `INVALID_ARGUMENT` for unknown options. */
  constructor(
    backend: CheckpointBackend,
    options: StoreOptions = {},
    environment: Environment = systemEnvironment,
    events = new StoreEventEmitter(),
  ) {
    assertStoreOptions(options)
    events.identify(backend.url)
    const mode = options.mode ?? 'exclusive'
    const writer = {
      id: environment.newId(),
      name: options.writerName ?? `${hostname()}, process ${process.pid}`,
      mode,
    }
    const objectives = options.objectives ?? {}
    const restoring = new RestoresUnderWay()
    const keeping = { objectives, retention: planRetention(options.retention ?? {}, objectives), restoring }
    this.#context = {
      backend,
      log: new CatalogLog(backend, writer, keeping, environment),
      writer,
      events,
      environment,
      keeping,
      restoring,
      deleted: new Set(),
      space: spaceLimits(options.space),
      mayTakeOver: mode === 'exclusive' || options.takeOver === true,
      gracePeriod: options.gracePeriod ?? defaultGracePeriod,
    }
    this.#access = new WriteAccess(this.#context)
    this.#writer = new ChangeWriter(this.#context, this.#access, this.#whileOpen)
    const save = (request: SaveRequest): Promise<SaveResult> =>
      planAndSave(this.#context, this.#access, request)
    this.#background = new BackgroundSaves(save, events, options.background)
  }

  /** Where the store is, without secrets. */
  get url(): string {
    return this.#context.backend.url
  }

  /** Whether this store was told which checkpoints to keep. */
  get hasRetention(): boolean {
    return hasFields(this.#context.keeping.retention)
  }

  /** The backend beneath, for what only it knows. */
  get backend(): CheckpointBackend {
    return this.#context.backend
  }

  on<Name extends keyof StoreEvents>(name: Name, listener: (event: StoreEvents[Name]) => void): this {
    this.#context.events.on(name, listener)
    return this
  }

  off<Name extends keyof StoreEvents>(name: Name, listener: (event: StoreEvents[Name]) => void): this {
    this.#context.events.off(name, listener)
    return this
  }

  /**
   * Saves a checkpoint, and resolves when it is durable and committed.
   *
   * Rejects with `ALREADY_EXISTS` (the step is saved), `INSUFFICIENT_SPACE`, `FENCED`, `OUTCOME_UNKNOWN`,
   * `INVALID_ARGUMENT`, `NOT_FOUND` (a source), `ABORTED`, or what the backend rejects with. Except after
   * `OUTCOME_UNKNOWN` the store is then as it was.
   */
  async save(request: SaveRequest): Promise<SaveResult> {
    return this.#whileOpen(() => planAndSave(this.#context, this.#access, request))
  }

  /**
   * Saves behind the caller's back: resolves as soon as the save has a place among those under way
   * (`background.limit`), with a handle. Bytes are copied before it resolves; files must be left alone
   * until the save is done.
   */
  async saveInBackground(request: SaveRequest): Promise<BackgroundSave> {
    return this.#whileOpen(() => this.#background.start(request))
  }

  /**
   * Waits for all saves in the background, and until what saves dropped is deleted. Throws the errors that nobody has
   * seen.
   */
  async flush(): Promise<void> {
    try {
      await this.#background.flush()
    } finally {
      await this.#access.finish()
    }
  }

  /**
   * Delivers a checkpoint into a folder: the proved whole or an error, and nothing partial. `undefined` when
   * there is no checkpoint to be latest or best; `NOT_FOUND` for a step that is not there; `CORRUPT` when it is
   * corrupt, or with `fallback` when none is good.
   */
  async restore(choice: CheckpointChoice, options: RestoreOptions): Promise<Restored | undefined> {
    assertRestoreOptions(options, this.url)
    await this.#refuseNewerMarker(options.signal)
    return this.#underWay.run(() =>
      restoreCheckpoint(this.#context, choice, options, {
        quarantine: (finding) => this.#access.quarantine(finding),
        repair: (signal) => repairStore(this.#context, { signal }),
      }),
    )
  }

  /**
   * One file as a stream, which ends only if every byte is what was saved; else it fails with `CORRUPT`, and what
   * it gave before must not be used.
   */
  async read(choice: CheckpointChoice, file: string, options: StoreCallOptions = {}): Promise<StreamedFile> {
    await this.#refuseNewerMarker(options.signal)
    return readFile(this.#context, choice, file, options.signal)
  }

  /** All good checkpoints, in the order of their steps. */
  async list(options: StoreCallOptions = {}): Promise<readonly JudgedCheckpoint[]> {
    const { signal } = options
    const [judged] = await Promise.all([newestJudged(this.#context, signal), this.#refuseNewerMarker(signal)])
    return judgedCheckpoints(judged)
  }

  /** Those that were set aside as corrupt. */
  async quarantined(options: StoreCallOptions = {}): Promise<readonly QuarantinedCheckpoint[]> {
    await this.#refuseNewerMarker(options.signal)
    return quarantinedCheckpoints(this.#context, options.signal)
  }

  /** The newest checkpoint; `undefined` when there is none. Takes two requests: it does not look at the marker. */
  async latest(options: StoreCallOptions = {}): Promise<Checkpoint | undefined> {
    const found = await findCheckpoint(this.#context, 'latest', options.signal)
    return found === undefined ? undefined : factsOf(found.entry)
  }

  /** The best of the only objective, or of the one named; `undefined` when none has its metric. */
  async best(objective?: string, options: StoreCallOptions = {}): Promise<JudgedCheckpoint | undefined> {
    await this.#refuseNewerMarker(options.signal)
    return bestCheckpoint(this.#context, objective, options.signal)
  }

  /**
   * A checkpoint with its files and metadata; `undefined` when it is not there. Rejects with `CORRUPT` when its manifest is
   * corrupt, or the step is quarantined.
   */
  async get(
    choice: CheckpointChoice,
    options: StoreCallOptions = {},
  ): Promise<CheckpointDetails | undefined> {
    await this.#refuseNewerMarker(options.signal)
    return checkpointDetails(this.#context, choice, options.signal)
  }

  /** Keeps a checkpoint from every deletion until it is unpinned. Pinning again changes the reason. */
  async pin(step: number, reason?: string, options: StoreCallOptions = {}): Promise<void> {
    assertStep(step)
    if (reason !== undefined) assertWellFormed(reason, 'The reason of a pin')
    const at = this.#context.environment.now().toISOString()
    const pin = reason === undefined ? { at } : { reason, at }
    await this.#writer.write({ kind: 'pin', step, pin }, options.signal)
  }

  async unpin(step: number, options: StoreCallOptions = {}): Promise<void> {
    assertStep(step)
    const { signal } = options
    await this.#access.freeing(signal, () => this.#writer.write({ kind: 'unpin', step }, signal))
  }

  /**
   * Adds metrics to a checkpoint after its save, as an evaluation that took longer brings them; a metric that is there
   * is replaced. What is best, and what is kept, is decided anew in the same commit: by the objectives of all writers,
   * and by the retention that the last save recorded in the store, not by that of this process. Rejects with
   * `NOT_FOUND`.
   */
  async attach(
    step: number,
    metrics: Readonly<Record<string, number>>,
    options: StoreCallOptions = {},
  ): Promise<AttachResult> {
    assertStep(step)
    assertMetrics(metrics)
    return attachMetrics(this.#context, this.#writer, this.#access, step, metrics, options.signal)
  }

  /** Every step that ever had metrics, raw and as the objectives judge them, also where the checkpoint is gone. */
  async metrics(options: StoreCallOptions = {}): Promise<readonly MeasuredStep[]> {
    await this.#refuseNewerMarker(options.signal)
    return measuredSteps(await newestJudged(this.#context, options.signal))
  }

  /** The objectives by which no step can be judged yet, with the metrics that were recorded instead. */
  async unscored(options: StoreCallOptions = {}): Promise<readonly UnscoredObjective[]> {
    await this.#refuseNewerMarker(options.signal)
    return unscoredObjectives(await newestJudged(this.#context, options.signal))
  }

  /** How long an objective has not improved, for early stopping. By its whole history. */
  async plateau(objective: string, options: StoreCallOptions = {}): Promise<Plateau> {
    await this.#refuseNewerMarker(options.signal)
    return plateau(await newestJudged(this.#context, options.signal), objective)
  }

  /**
   * Applies the retention in force, as each save does. With `dryRun` it tells what would go, and changes nothing.
   * Safe to interrupt and to run again.
   */
  async prune(options: PruneOptions = {}): Promise<PruneReport> {
    refuseUnknownOptions(options, ['dryRun', 'signal'], 'prune', this.url)
    await this.#refuseNewerMarker(options.signal)
    return pruneStore(this.#context, this.#writer, options)
  }

  /**
   * Removes an objective from those that the store records, so that it may be defined anew and no checkpoint is kept for
   * it. A writer that still defines it records it again. Rejects with `NOT_FOUND` for one that is not recorded, and with
   * `INVALID_ARGUMENT` for one that others are made of.
   */
  async forgetObjective(name: string, options: StoreCallOptions = {}): Promise<void> {
    refuseUnknownOptions(options, ['signal'], 'forgetObjective', this.url)
    await this.#writer.write({ kind: 'forget objective', name }, options.signal)
  }

  /**
   * Deletes checkpoints, quarantined ones too. Rejects with `NOT_FOUND`, and with `INVALID_ARGUMENT` for a
   * pinned one, for the last good one, and, unless `allowBest`, for the best of an objective. Then none is deleted.
   */
  async delete(
    steps: readonly number[],
    options: StoreCallOptions & { readonly allowBest?: boolean | undefined } = {},
  ): Promise<SaveResult['dropped']> {
    refuseUnknownOptions(options, ['allowBest', 'signal'], 'delete', this.url)
    steps.forEach(assertStep)
    if (steps.length === 0) return []
    const { allowBest, signal } = options
    const change = { kind: 'delete', steps, because: 'deleted by hand', allowBest } as const
    const committed = await this.#writer.free(() => Promise.resolve(change), signal)
    return committed.dropped.map(({ step, because }) => ({ step, because }))
  }

  /**
   * Verifies checkpoints, and the store's own documents, against what was written. Changes nothing, except that a
   * quarantined checkpoint that verifies is listed again.
   */
  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    refuseUnknownOptions(options, ['steps', 'quick', 'signal', 'onProgress'], 'verify', this.url)
    await this.#refuseNewerMarker(options.signal)
    await this.#access.cleanedUp(options.signal)
    return this.#underWay.run(() =>
      verifyStore(this.#context, options, (entries) => this.#access.readmit(entries)),
    )
  }

  /** Removes what is dead: leavings of crashed and fenced saves, old catalog versions and pages, unfinished work. */
  async sweep(options: StoreSweepOptions = {}): Promise<StoreSweepReport> {
    refuseUnknownOptions(options, ['dryRun', 'signal'], 'sweep', this.url)
    await this.#refuseNewerMarker(options.signal)
    return this.#underWay.run(() => fullSweep(this.#context, this.#access, options, this.#whileOpen))
  }

  /** Rebuilds a lost or damaged catalog from what is there. Loses no acknowledged checkpoint; safe to repeat. */
  async repair(options: RepairOptions = {}): Promise<RepairReport> {
    await this.#access.cleanedUp(options.signal)
    return this.#underWay.run(() => repairStore(this.#context, options))
  }

  /** Looks at everything that a writer needs of the store, on the store itself. */
  async doctor(options: StoreCallOptions = {}): Promise<readonly Diagnosis[]> {
    return diagnoseStore(this.#context, options.signal)
  }

  /**
   * Waits for what is under way, gives ownership back, and closes the backend. Throws errors of saves in the background
   * that nobody has seen.
   */
  async close(): Promise<void> {
    if (this.#closed === undefined) {
      this.#closed = this.#close()
      await this.#closed
    } else {
      await this.#closed.catch(() => undefined) // whoever closed first has the error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    try {
      await this.#underWay.settled()
      await this.flush()
    } finally {
      try {
        await this.#access.release()
      } finally {
        await this.backend.close()
      }
    }
  }

  /** Rejects with `UNSUPPORTED` if a newer version of Holdfast wrote the marker in a way that this one cannot read. */
  async #refuseNewerMarker(signal: AbortSignal | undefined): Promise<void> {
    if (this.#isMarkerSupported) return
    await readMarker(this.backend, signal)
    this.#isMarkerSupported = true
  }
}
