import { mayChange } from '../../catalog/commit/rules/index.ts'
import type { AttemptId, CatalogEntry } from '../../catalog/documents/index.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { verifiedManifest } from '../attempts/read-verified.ts'
import { copyAll, knownCorrupt } from '../copy/copy-all.ts'
import { missingMetrics } from '../copy/copied-metrics.ts'
import { followRewinds } from '../copy/follow-rewinds.ts'
import { originOf } from '../copy/identity.ts'
import { type CopyOptions, type CopyReport, retryCorruptAfterOf } from '../copy/options.ts'
import type { CopySide } from '../copy/plan-copies.ts'
import { noStore } from '../copy/prepare-destination.ts'
import { outcomeOf } from '../copy/planned-outcome.ts'
import type { CopyDestination, CopySource } from '../copy/sides.ts'
import { MirrorConnection } from './connection.ts'
import type { LocalStore } from './local-side.ts'
import { OutcomeReport } from './outcome-report.ts'
import { planMirror, type MirrorPlan } from './plan.ts'
import { recordFailure } from './record-failure.ts'
import { type MirroredSource, recordingStore } from './recording-store.ts'
import { synchronise, whyFenced, writerFor } from './synchronise.ts'

/**
 * Returns the destination as the mirror of the source, if that records it as its mirror. Returns `undefined` if it does not. `known`
 * is what an earlier call returned. It is used again as long as its writer may record the mirror. Rejects with `INVALID_ARGUMENT` for a
 * clone of the mirror: the store must not count its checkpoints as mirrored there.
 */
export async function findOwnMirror(
  source: MirroredSource,
  destination: CopyDestination,
  known: OwnMirror | undefined,
  signal: AbortSignal | undefined,
): Promise<OwnMirror | undefined> {
  const catalog = await source.context.log.newest(signal)
  const { mirror } = catalog
  if (mirror === undefined) return undefined
  const { url } = destination.context.backend
  if (mirror.place !== url) {
    const isClone = mirror.store !== undefined && mirror.store === (await destination.id(signal))
    if (isClone) throw cloneOfMirror(source.context.backend.url, mirror.place, url)
    return undefined
  }
  const id = await source.id(signal)
  return known?.serves(id, catalog) === true ? known : new OwnMirror(source, id, catalog, destination)
}

/**
 * Copies from a store into its own mirror, as `copyCheckpoints()` does for other places. The mirror belongs to the store, so the copy
 * acts as the store: it obeys the same rules of ownership, replaces what the store has replaced, and records in the store what the mirror
 * has. The retention is that of the destination.
 */
export class OwnMirror {
  readonly #source: CopySource
  readonly #id: string
  readonly #store: LocalStore
  readonly #connection: MirrorConnection

  constructor(source: MirroredSource, id: string, catalog: PagedCatalog, { context }: CopyDestination) {
    this.#source = source
    this.#id = id
    this.#store = recordingStore(source, catalog, context.backend.url)
    const options = { store: context.backend.url, maxBehind: catalog.mirror?.maxBehind }
    const contextOfMirror = { ...this.#store.context, keeping: context.keeping, limits: context.limits }
    this.#connection = new MirrorConnection(context.backend, options, contextOfMirror, context.events)
  }

  /** Returns whether this access still belongs to the store, and may record in it what the mirror has. */
  serves(id: string, newest: PagedCatalog): boolean {
    return id === this.#id && mayChange(newest, this.#store.context.writer)
  }

  /** Copies all checkpoints that the mirror keeps, or those that the options name. */
  async copy(options: CopyOptions): Promise<CopyReport> {
    const { signal, dryRun = false } = options
    using _ = this.#store.context.busyLimit.suspend() // the caller waits for the copy
    try {
      const ours: CopySide = { id: this.#id, catalog: await this.#store.context.log.whole(signal) }
      const fenced = await whyFenced(ours, this.#store, this.#connection, signal)
      if (fenced !== undefined) throw fenced
      if (!dryRun) await this.#store.ready(signal)
      if (options.checkpoints !== undefined) return await this.#copyNamed(ours, options)
      return dryRun ? await this.#planMissing(ours, options) : await this.#copyMissing(ours, options)
    } catch (error) {
      if (!dryRun) await this.#record(error)
      throw error
    } finally {
      await this.#connection.finish()
    }
  }

  async #copyNamed(ours: CopySide, options: CopyOptions): Promise<CopyReport> {
    const destination =
      options.dryRun === true
        ? this.#connection.writer(this.#id)
        : await writerFor(ours, this.#store, this.#connection, options.signal)
    if (destination instanceof HoldfastError) throw destination
    return copyAll(this.#source, destination, options)
  }

  async #copyMissing(ours: CopySide, options: CopyOptions): Promise<CopyReport> {
    const { signal = new AbortController().signal } = options
    const report = new OutcomeReport(options)
    const { plan, abandonedSteps, metricsOfSteps } = await this.#planned(ours, new Set(), signal)
    report.addPlan(plan, 'there')
    const end = await synchronise(this.#store, this.#connection, {
      signal,
      newestFirst: () => false,
      refused: new Map(),
      passed: new Set(),
      retryCorruptAfter: retryCorruptAfterOf(options),
      onProgress: options.onProgress ?? (() => undefined),
      onOutcome: (outcome, { attempt }) => {
        report.add(outcome, attempt)
      },
    })
    if (end.kind === 'fenced') throw end.error
    if (end.plan !== undefined) report.addPlan(end.plan, 'all')
    return { outcomes: report.outcomes, metricsOfSteps, abandonedSteps }
  }

  /** Reports what a copy would do. It reads the manifests of the checkpoints that it would copy, as the copy does. */
  async #planMissing(ours: CopySide, options: CopyOptions): Promise<CopyReport> {
    const { signal = new AbortController().signal } = options
    const report = new OutcomeReport(options)
    const corrupt = new Set<AttemptId>()
    for (;;) {
      const { plan, abandonedSteps, metricsOfSteps } = await this.#planned(ours, corrupt, signal)
      const { size } = corrupt
      for (const { entry } of plan.copies) {
        const error = await this.#whyCorrupt(entry, options)
        if (error === undefined) continue
        corrupt.add(entry.attempt)
        report.add(outcomeOf({ entry, step: entry.step }, { kind: 'failed', error }), entry.attempt)
      }
      // The mirror may keep another checkpoint in the place of a corrupt one.
      if (corrupt.size > size) continue
      report.addPlan(plan, 'all')
      return { outcomes: report.outcomes, metricsOfSteps, abandonedSteps }
    }
  }

  async #whyCorrupt(entry: CatalogEntry, options: CopyOptions): Promise<HoldfastError | undefined> {
    const destination = this.#connection.writer(this.#id)
    const known = knownCorrupt(destination, originOf(entry, this.#id), retryCorruptAfterOf(options))
    if (known !== undefined) return known
    try {
      await verifiedManifest(this.#store.context.backend, entry, options.signal)
      return undefined
    } catch (error) {
      if (isHoldfastError(error, 'CORRUPT')) return error
      throw error
    }
  }

  /** Returns what a round would do now. Writes nothing. */
  async #planned(
    ours: CopySide,
    passed: ReadonlySet<AttemptId>,
    signal: AbortSignal,
  ): Promise<{ readonly plan: MirrorPlan } & Pick<CopyReport, 'abandonedSteps' | 'metricsOfSteps'>> {
    const { id = noStore, catalog } = await this.#connection.side(signal)
    const destination = this.#connection.writer(this.#id)
    const { side, abandoned } = await followRewinds(
      this.#store,
      ours,
      destination,
      { id, catalog },
      { dryRun: true, signal },
    )
    const plan = planMirror(ours, side, passed, {
      keeping: destination.context.keeping,
      present: { now: this.#store.context.environment.now() },
    })
    return {
      plan,
      abandonedSteps: abandoned,
      metricsOfSteps: missingMetrics(ours, side).map(({ step }) => step),
    }
  }

  /** Lets a monitor of the store see why nothing reaches the mirror, as the worker of a running store does. */
  async #record(error: unknown): Promise<void> {
    if (!isHoldfastError(error) || error.code === 'ABORTED' || error.code === 'INVALID_ARGUMENT') return
    if (error.url === this.#source.context.backend.url) return // the store itself fails
    const kind = error.code === 'FENCED' ? 'fenced' : 'failing'
    await recordFailure(this.#store, this.#connection, kind, error)
  }
}

function cloneOfMirror(store: string, mirror: string, clone: string): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `${clone} has the same id as ${mirror}, the mirror of ${store}: one is a clone of the other, or the mirror was moved. Copy to ` +
      `${mirror}. If the mirror was moved, name ${clone} as the mirror of the store at its next save.`,
    { url: clone },
  )
}
