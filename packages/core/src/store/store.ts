import { hostname } from 'node:os'
import { isCatalogLost, lostCatalog } from '../catalog/commit/lost-catalog.ts'
import { type CheckpointBackend, refuseUnknownOptions } from '../backend/index.ts'
import { UnderWay } from '../async/under-way.ts'
import { HoldfastError, isHoldfastError } from '../errors.ts'
import { assertWellFormed } from '../json.ts'
import type { Plateau } from '../metrics/index.ts'
import { planRetention, usesTime } from '../retention/index.ts'
import { spaceLimits } from '../space/index.ts'
import {
  type Checkpoint,
  type CheckpointDetails,
  contentsOf,
  factsOf,
  type JudgedCheckpoint,
  judgedCheckpoint,
  judgedCheckpoints,
  type QuarantinedCheckpoint,
} from '../catalog/judging/checkpoint.ts'
import { CatalogLog, type Committed } from '../catalog/commit/catalog-log.ts'
import { type Change, refusalOfSave } from '../catalog/commit/changes/index.ts'
import type { StoreContext } from './context.ts'
import { assertStep, type CatalogEntry, type Manifest, storedMetrics } from '../catalog/documents/index.ts'
import { StoreEventEmitter, type StoreEvents } from './events.ts'
import { hasFields, judge, type Keeping } from '../catalog/judging/judgement.ts'
import { type UnscoredObjective, unscoredObjectives } from '../catalog/judging/unscored.ts'
import { assertNoContradiction, keepingOf } from '../catalog/judging/recorded-keeping.ts'
import { type MeasuredStep, measuredSteps, plateau } from '../catalog/judging/measure.ts'
import { tellOfClocks } from './save/clocks.ts'
import { tellOfMetrics, tellOfUnscored } from './save/metric-events.ts'
import { assertStoreOptions, defaultGracePeriod, type StoreOptions } from './options.ts'
import { lastPagedStep, type PagedCatalog, type WholeCatalog } from '../catalog/pages/index.ts'
import { catalogFor } from '../catalog/commit/catalog-for.ts'
import {
  type CheckpointChoice,
  chooseEntry,
  quarantinedChoice,
  quarantinedError,
} from '../catalog/judging/choose.ts'
import { noSuchFile } from './attempts/no-such-file.ts'
import { provedFile, provedManifest } from './attempts/read-verified.ts'
import { RestoresUnderWay } from './restores-under-way.ts'
import { restoreCheckpoint } from './restore/restore.ts'
import { assertRestoreOptions, type Restored, type RestoreOptions } from './restore/result.ts'
import { type BackgroundSave, BackgroundSaves } from './save/background.ts'
import { planFiles } from './save/plan.ts'
import { assertMetrics, assertSaveRequest, type SaveRequest } from './save/request.ts'
import type { AttachResult, SaveResult } from './save/result.ts'
import { saveCheckpoint } from './save/save.ts'
import { storeTime } from './store-time.ts'
import { systemEnvironment, type Environment } from '../environment.ts'
import { deleteDropped } from './attempts/delete-dropped.ts'
import { type Diagnosis, diagnoseStore } from './upkeep/doctor.ts'
import { readMarker } from './upkeep/ensure-marker.ts'
import { type RepairOptions, type RepairReport, repairStore } from './upkeep/repair.ts'
import { type StoreSweepOptions, type StoreSweepReport, sweepStore } from './upkeep/sweep.ts'
import { wasDroppedMeanwhile } from './attempts/dropped-meanwhile.ts'
import { verifyStore, type VerifyOptions, type VerifyReport } from './upkeep/verify.ts'
import { planPrune, type PruneOptions, type PruneReport, pruneReport } from './upkeep/prune.ts'
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
  readonly #underWay = new UnderWay()
  #isMarkerSupported = false
  #closed: Promise<void> | undefined

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
    this.#background = new BackgroundSaves((request) => this.#save(request), events, options.background)
    this.#access = new WriteAccess(this.#context)
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
    this.#refuseClosed()
    return this.#underWay.run(() => this.#save(request))
  }

  /**
   * Saves behind the caller's back: resolves as soon as the save has a place among those under way
   * (`background.limit`), with a handle. Bytes are copied before it resolves; files must be left alone
   * until the save is done.
   */
  async saveInBackground(request: SaveRequest): Promise<BackgroundSave> {
    this.#refuseClosed()
    return this.#underWay.run(() => this.#background.start(request))
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
  async read(
    choice: CheckpointChoice,
    file: string,
    options: StoreCallOptions = {},
  ): Promise<{ readonly size: number; readonly sha256: string; readonly body: ReadableStream<Uint8Array> }> {
    await this.#refuseNewerMarker(options.signal)
    const { entry, manifest } = await this.#require(choice, options.signal)
    const found = manifest.files.find(({ name }) => name === file)
    if (found === undefined)
      throw noSuchFile(
        entry.step,
        file,
        manifest.files.map(({ name }) => name),
      )
    const body = await provedFile(this.backend, entry.attempt, found, options.signal)
    return { size: found.size, sha256: found.sha256, body }
  }

  /** All good checkpoints, in the order of their steps. */
  async list(options: StoreCallOptions = {}): Promise<readonly JudgedCheckpoint[]> {
    const [catalog] = await Promise.all([
      this.#context.log.whole(options.signal),
      this.#refuseNewerMarker(options.signal),
    ])
    return judgedCheckpoints(catalog, this.#keeping(catalog), this.#context.environment.now())
  }

  /** Those that were set aside as corrupt. */
  async quarantined(options: StoreCallOptions = {}): Promise<readonly QuarantinedCheckpoint[]> {
    await this.#refuseNewerMarker(options.signal)
    const catalog = await this.#context.log.newest(options.signal)
    return catalog.quarantined.map(({ entry, reason, at }) => ({
      step: entry.step,
      reason,
      at: new Date(at),
    }))
  }

  /** The newest checkpoint; `undefined` when there is none. Takes two requests: it does not look at the marker. */
  async latest(options: StoreCallOptions = {}): Promise<Checkpoint | undefined> {
    const found = await this.#find('latest', options.signal)
    return found === undefined ? undefined : factsOf(found.entry)
  }

  /** The best of the only objective, or of the one named; `undefined` when none has its metric. */
  async best(objective?: string, options: StoreCallOptions = {}): Promise<JudgedCheckpoint | undefined> {
    await this.#refuseNewerMarker(options.signal)
    const found = await this.#find(objective === undefined ? 'best' : `best:${objective}`, options.signal)
    if (found === undefined) return undefined
    const { catalog, entry } = found
    return judgedCheckpoint(catalog, entry, this.#keeping(catalog), this.#context.environment.now())
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
    const found = await this.#findProved(choice, options.signal)
    if (found === undefined) {
      await this.#refuseQuarantined(choice, options.signal)
      return undefined
    }
    const { log, environment } = this.#context
    const { objectives, retention } = this.#keeping(found.catalog)
    const isJudged = hasFields(objectives) || hasFields(retention)
    const catalog = isJudged ? await log.wholeOf(found.catalog, options.signal) : found.catalog
    return {
      ...judgedCheckpoint(catalog, found.entry, this.#keeping(catalog), environment.now()),
      ...contentsOf(found.manifest),
    }
  }

  /** Keeps a checkpoint from every deletion until it is unpinned. Pinning again changes the reason. */
  async pin(step: number, reason?: string, options: StoreCallOptions = {}): Promise<void> {
    assertStep(step)
    if (reason !== undefined) assertWellFormed(reason, 'The reason of a pin')
    const at = this.#context.environment.now().toISOString()
    await this.#write(
      { kind: 'pin', step, pin: reason === undefined ? { at } : { reason, at } },
      options.signal,
    )
  }

  async unpin(step: number, options: StoreCallOptions = {}): Promise<void> {
    assertStep(step)
    await this.#access.freeing(options.signal, () => this.#write({ kind: 'unpin', step }, options.signal))
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
    const storeNow = await this.#timeForRetention(options.signal)
    const committed = await this.#write(
      { kind: 'attach', step, metrics: storedMetrics(metrics), storeNow },
      options.signal,
    )
    this.#access.afterwards(() => deleteDropped(this.#context, committed))
    const { catalog, dropped } = committed
    const entry = catalog.checkpoints.get(step)
    const now = this.#context.environment.now()
    const checkpoint =
      entry === undefined ? undefined : judgedCheckpoint(catalog, entry, this.#keeping(catalog), now)
    if (checkpoint !== undefined) tellOfMetrics(this.#context, checkpoint)
    tellOfUnscored(this.#context, catalog)
    return { checkpoint, dropped: dropped.map((drop) => ({ step: drop.step, because: drop.because })) }
  }

  /** Every step that ever had metrics, raw and as the objectives judge them, also where the checkpoint is gone. */
  async metrics(options: StoreCallOptions = {}): Promise<readonly MeasuredStep[]> {
    await this.#refuseNewerMarker(options.signal)
    const catalog = await this.#context.log.whole(options.signal)
    return measuredSteps(catalog, this.#keeping(catalog))
  }

  /** The objectives by which no step can be judged yet, with the metrics that were recorded instead. */
  async unscored(options: StoreCallOptions = {}): Promise<readonly UnscoredObjective[]> {
    await this.#refuseNewerMarker(options.signal)
    const catalog = await this.#context.log.whole(options.signal)
    return unscoredObjectives(catalog, judge(catalog, this.#keeping(catalog).objectives))
  }

  /** How long an objective has not improved, for early stopping. By its whole history. */
  async plateau(objective: string, options: StoreCallOptions = {}): Promise<Plateau> {
    await this.#refuseNewerMarker(options.signal)
    const catalog = await this.#context.log.whole(options.signal)
    return plateau(catalog, this.#keeping(catalog), objective)
  }

  /**
   * Applies the retention in force, as each save does. With `dryRun` it tells what would go, and changes nothing.
   * Safe to interrupt and to run again.
   */
  async prune(options: PruneOptions = {}): Promise<PruneReport> {
    refuseUnknownOptions(options, ['dryRun', 'signal'], 'prune', this.url)
    await this.#refuseNewerMarker(options.signal)
    const report = await planPrune(this.#context, options.signal)
    const { known } = this.#context.log
    if (known !== undefined) tellOfUnscored(this.#context, known)
    if (options.dryRun === true || report.dropped.length === 0) return report
    let storeNow: Date | undefined
    const committed = await this.#drop(async () => {
      storeNow = await this.#timeForRetention(options.signal)
      return { kind: 'prune', storeNow }
    }, options.signal)
    const catalog = await this.#context.log.wholeOf(committed.catalog, options.signal)
    tellOfClocks(this.#context, catalog, storeNow)
    return pruneReport(this.#context, catalog, committed, report, storeNow)
  }

  /**
   * Removes an objective from those that the store records, so that it may be defined anew and no checkpoint is kept for
   * it. A writer that still defines it records it again. Rejects with `NOT_FOUND` for one that is not recorded, and with
   * `INVALID_ARGUMENT` for one that others are made of.
   */
  async forgetObjective(name: string, options: StoreCallOptions = {}): Promise<void> {
    refuseUnknownOptions(options, ['signal'], 'forgetObjective', this.url)
    await this.#write({ kind: 'forget objective', name }, options.signal)
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
    const committed = await this.#drop(
      async () => ({ kind: 'delete', steps, because: 'deleted by hand', allowBest }),
      signal,
    )
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
    return this.#underWay.run(() => this.#sweep(options))
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

  async #find(
    choice: CheckpointChoice,
    signal: AbortSignal | undefined,
  ): Promise<FoundCheckpoint | undefined> {
    const catalog = await catalogFor(this.#context.log, choice, signal)
    const entry = chooseEntry(catalog, choice, this.#context.keeping)
    return entry === undefined ? undefined : { catalog, entry }
  }

  /** With its manifest; looks again where another process has dropped what was found. */
  async #findProved(
    choice: CheckpointChoice,
    signal: AbortSignal | undefined,
  ): Promise<(FoundCheckpoint & { readonly manifest: Manifest }) | undefined> {
    for (;;) {
      const found = await this.#find(choice, signal)
      if (found === undefined) return undefined
      try {
        return { ...found, manifest: await provedManifest(this.backend, found.entry, signal) }
      } catch (error) {
        if (!isHoldfastError(error, 'CORRUPT')) throw error
        if (!(await wasDroppedMeanwhile(this.#context, found.entry, signal))) throw error
      }
    }
  }

  async #require(
    choice: CheckpointChoice,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly entry: CatalogEntry; readonly manifest: Manifest }> {
    const found = await this.#findProved(choice, signal)
    if (found !== undefined) return found
    await this.#refuseQuarantined(choice, signal)
    const what = typeof choice === 'number' ? `checkpoint of step ${choice}` : `${choice} checkpoint`
    throw new HoldfastError(
      'NOT_FOUND',
      `There is no ${what} in ${this.url}. See what there is: holdfast ls.`,
    )
  }

  async #refuseQuarantined(choice: CheckpointChoice, signal: AbortSignal | undefined): Promise<void> {
    const aside = quarantinedChoice(await catalogFor(this.#context.log, choice, signal), choice)
    if (aside !== undefined) throw quarantinedError(aside, this.url)
  }

  #keeping(catalog: PagedCatalog): Keeping {
    return keepingOf(this.#context.keeping, catalog)
  }

  /** What is wrong with the request itself is said before the store is made, or taken over, for it. */
  async #save(request: SaveRequest): Promise<SaveResult> {
    assertSaveRequest(request)
    const { exclude, signal } = request
    const storeRoot = this.backend.capabilities.localRoot
    const plan = await planFiles(request.files, { storeRoot, exclude, signal })
    const ready = (): Promise<PagedCatalog> => this.#access.ready(signal)
    // To make room on a full disk it may have to take the store over first.
    const newest = await (this.#context.space.makeRoom ? this.#access.freeing(signal, ready) : ready())
    await refuseEarly(this.#context, newest, request)
    // The space that they free counts.
    await this.#access.cleanedUp(signal)
    return saveCheckpoint(this.#context, newest, this.#access, request, plan)
  }

  async #sweep(options: StoreSweepOptions): Promise<StoreSweepReport> {
    const { log } = this.#context
    const { dryRun = false, signal } = options
    await this.#access.cleanedUp(signal)
    const newest = await log.whole(signal)
    if (dryRun || newest.version === 0) return this.#sweepBy(newest, options)
    this.#refuseClosed()
    return this.#access.freeing(signal, async () => {
      await this.#access.ready(signal)
      const now = await storeTime(this.#context, signal)
      const raised = await this.#access.raiseFloor(await log.newest(signal), signal, now)
      return this.#sweepBy(await log.wholeOf(raised, signal), options)
    })
  }

  async #sweepBy(catalog: WholeCatalog, options: StoreSweepOptions): Promise<StoreSweepReport> {
    const report = await sweepStore(this.#context, catalog, options)
    const isDry = options.dryRun === true
    return { ...report, unfinishedSaves: await this.#access.unfinishedSaves(catalog, isDry, options.signal) }
  }

  /** The present by the store's clock, if a retention of this writer or of the store goes by time. */
  async #timeForRetention(signal: AbortSignal | undefined): Promise<Date | undefined> {
    const { log, keeping } = this.#context
    await this.#refuseMissing(signal)
    const recorded = this.#keeping(await log.newest(signal)).retention
    const isNeeded = usesTime(keeping.retention) || usesTime(recorded)
    return isNeeded ? storeTime(this.#context, signal) : undefined
  }

  /** A change that only frees space: it goes through on a full disk, too. */
  async #drop(
    change: () => Promise<Extract<Change, { kind: 'delete' | 'prune' }>>,
    signal: AbortSignal | undefined,
  ): Promise<Committed> {
    return this.#access.freeing(signal, async () => {
      const committed = await this.#write(await change(), signal)
      await deleteDropped(this.#context, committed)
      return committed
    })
  }

  async #write(change: Change, signal: AbortSignal | undefined): Promise<Committed> {
    this.#refuseClosed()
    return this.#underWay.run(async () => {
      await this.#access.cleanedUp(signal)
      await this.#refuseMissing(signal)
      await this.#access.ready(signal)
      return this.#context.log.commit(change, signal)
    })
  }

  /** A change to what is there must not make a store where there is none. */
  async #refuseMissing(signal: AbortSignal | undefined): Promise<void> {
    const { log } = this.#context
    if (log.known !== undefined || !(await log.isEmpty(signal))) return
    if (await isCatalogLost(this.#context, signal)) throw lostCatalog(this.url)
    throw new HoldfastError(
      'NOT_FOUND',
      `There is no checkpoint in ${this.url} yet. The first save makes the store: holdfast save FILE --step 0`,
    )
  }

  /** Rejects with `UNSUPPORTED` if a newer version of Holdfast wrote the marker in a way that this one cannot read. */
  async #refuseNewerMarker(signal: AbortSignal | undefined): Promise<void> {
    if (this.#isMarkerSupported) return
    await readMarker(this.backend, signal)
    this.#isMarkerSupported = true
  }

  #refuseClosed(): void {
    if (this.#closed === undefined) return
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `The store ${this.url} is closed. Open it again to write to it.`,
    )
  }
}

/** A checkpoint, and the version of the catalog that lists it. */
interface FoundCheckpoint {
  readonly catalog: PagedCatalog
  readonly entry: CatalogEntry
}

/** Refuses before a byte is written what the commit would refuse. The commit decides again. */
async function refuseEarly(
  { log, keeping }: StoreContext,
  newest: PagedCatalog,
  { step, onExisting = 'fail', allowBest, signal }: SaveRequest,
): Promise<void> {
  assertNoContradiction(keeping, newest)
  const isRecent = step > lastPagedStep(newest)
  if (isRecent && newest.checkpoints.get(step) === undefined) return
  const catalog = isRecent && onExisting === 'fail' ? newest : await log.wholeOf(newest, signal)
  const { objectives } = keepingOf(keeping, catalog)
  const refused = refusalOfSave(catalog, { step, onExisting, allowBest }, objectives)
  if (refused !== undefined) throw new HoldfastError(refused.code, refused.why, { hint: refused.hint })
}
