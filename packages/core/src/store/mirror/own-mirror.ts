import { CatalogLog } from '../../catalog/commit/catalog-log.ts'
import { mayChange } from '../../catalog/commit/rules/index.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { HoldfastError } from '../../errors.ts'
import type { TransferLimits } from '../../pacing/index.ts'
import type { StoreContext } from '../context.ts'
import { copyAll } from '../copy/copy-checkpoints.ts'
import { missingMetrics } from '../copy/copied-metrics.ts'
import { followRewinds } from '../copy/follow-rewinds.ts'
import {
  assertCopyOptions,
  type CopyOptions,
  type CopyOutcome,
  type CopyReport,
  retryCorruptAfterOf,
} from '../copy/options.ts'
import type { CopySide } from '../copy/plan-copies.ts'
import { noStore } from '../copy/prepare-destination.ts'
import { plannedOutcome } from '../copy/planned-outcome.ts'
import type { CopyDestination, CopySource } from '../copy/sides.ts'
import { ensureMarker } from '../upkeep/ensure-marker.ts'
import { MirrorConnection } from './connection.ts'
import type { LocalStore } from './local-side.ts'
import { planMirror, type MirrorPlan } from './plan.ts'
import { synchronise, whyFenced, writerFor } from './synchronise.ts'

/**
 * Returns the destination as the mirror of the source, if that records it as its mirror. Returns `undefined` if it does not. `known`
 * is what an earlier call returned. It is used again as long as its writer may record the mirror.
 */
export async function findOwnMirror(
  source: CopySource,
  destination: CopyDestination,
  limits: TransferLimits,
  known: OwnMirror | undefined,
  signal: AbortSignal | undefined,
): Promise<OwnMirror | undefined> {
  const catalog = await source.context.log.newest(signal)
  const { mirror } = catalog
  if (mirror === undefined) return undefined
  const isNamed = mirror.place === destination.context.backend.url
  const isIt = isNamed || (mirror.store !== undefined && mirror.store === (await destination.id(signal)))
  if (!isIt) return undefined
  const id = await source.id(signal)
  return known?.serves(id, catalog) === true ? known : new OwnMirror(source, id, catalog, destination, limits)
}

/**
 * Copies from a store into its own mirror, as `copyCheckpoints()` does for other places. The mirror belongs to the store, so the copy
 * acts as the store: it obeys the same rules of ownership, and records in the store what the mirror has.
 */
export class OwnMirror {
  readonly #source: CopySource
  readonly #id: string
  readonly #local: LocalStore
  readonly #connection: MirrorConnection

  constructor(
    source: CopySource,
    id: string,
    catalog: PagedCatalog,
    { context }: CopyDestination,
    limits: TransferLimits,
  ) {
    const recording = recordingContext(source.context, catalog, context.backend.url)
    this.#source = source
    this.#id = id
    this.#local = { context: recording, ready: (signal) => ensureMarker(recording, signal) }
    const { url } = context.backend
    const options = { store: url, maxBehind: catalog.mirror?.maxBehind }
    const local = { ...recording, keeping: context.keeping }
    this.#connection = new MirrorConnection(context.backend, options, local, limits, context.events)
  }

  /** Returns whether this access still belongs to the store, and may record in it what the mirror has. */
  serves(id: string, newest: PagedCatalog): boolean {
    return id === this.#id && mayChange(newest, this.#local.context.writer)
  }

  /** Copies all checkpoints that the mirror keeps, or those that the options name. */
  async copy(options: CopyOptions): Promise<CopyReport> {
    assertCopyOptions(options, this.#connection.backend.url)
    const { signal, dryRun = false } = options
    using _ = this.#local.context.busyLimit.suspend() // the caller waits for the copy
    const ours: CopySide = { id: this.#id, catalog: await this.#local.context.log.whole(signal) }
    const fenced = await whyFenced(ours, this.#local, this.#connection, signal)
    if (fenced !== undefined) throw fenced
    try {
      if (!dryRun) await this.#local.ready(signal)
      if (options.checkpoints !== undefined) return await this.#copyNamed(ours, options)
      return await this.#copyMissing(ours, options)
    } finally {
      await this.#connection.finish()
    }
  }

  async #copyNamed(ours: CopySide, options: CopyOptions): Promise<CopyReport> {
    const destination =
      options.dryRun === true
        ? this.#connection.writer(this.#id, false)
        : await writerFor(ours, this.#local, this.#connection, options.signal)
    if (destination instanceof HoldfastError) throw destination
    return copyAll(this.#source, destination, options)
  }

  async #copyMissing(ours: CopySide, options: CopyOptions): Promise<CopyReport> {
    const { signal = new AbortController().signal, dryRun = false } = options
    const outcomes: CopyOutcome[] = []
    const report = (outcome: CopyOutcome): void => {
      outcomes.push(outcome)
      options.onOutcome?.(outcome)
    }
    const { plan, abandonedSteps, metricsOfSteps } = await this.#planned(ours, signal)
    const planned = plan.decisions.map(plannedOutcome)
    for (const outcome of planned)
      if (outcome.kind !== 'skipped' && (dryRun || outcome.kind !== 'copied')) report(outcome)
    if (!dryRun) {
      const end = await synchronise(this.#local, this.#connection, {
        signal,
        newestFirst: () => false,
        refused: new Map(),
        passed: new Set(),
        retryCorruptAfter: retryCorruptAfterOf(options),
        onProgress: options.onProgress ?? (() => undefined),
        onOutcome: report,
      })
      if (end.kind === 'fenced') throw end.error
    }
    for (const outcome of planned) if (outcome.kind === 'skipped') report(outcome)
    return { outcomes, metricsOfSteps, abandonedSteps }
  }

  /** Returns what a round would do now. Writes nothing. */
  async #planned(
    ours: CopySide,
    signal: AbortSignal,
  ): Promise<{ readonly plan: MirrorPlan } & Pick<CopyReport, 'abandonedSteps' | 'metricsOfSteps'>> {
    const { id = noStore, catalog } = await this.#connection.side(signal)
    const destination = this.#connection.writer(this.#id, false)
    const { side, abandoned } = await followRewinds(
      this.#local,
      ours,
      destination,
      { id, catalog },
      { dryRun: true, signal },
    )
    const plan = planMirror(ours, side, new Set(), {
      keeping: destination.context.keeping,
      present: { now: this.#local.context.environment.now() },
    })
    return {
      plan,
      abandonedSteps: abandoned,
      metricsOfSteps: missingMetrics(ours, side).map(({ step }) => step),
    }
  }
}

/**
 * Returns the context with which the copy records in the store what the mirror has. Such a change ends no save, so a writer of the job
 * that owns the store may commit it. Throws `FENCED` if a process without a job owns the store.
 */
function recordingContext(source: StoreContext, catalog: PagedCatalog, mirror: string): StoreContext {
  if (mayChange(catalog, source.writer)) return source
  const job = catalog.owner?.job
  if (catalog.owner !== null && job === undefined)
    throw new HoldfastError(
      'FENCED',
      `${source.backend.url} belongs to ${catalog.owner.name}, and only that process may copy to its mirror ${mirror}. ` +
        'Copy to another place. If that process was killed, save once with takeOver, which also copies to the mirror.',
      { url: source.backend.url },
    )
  const { writer, backend, keeping, environment } = source
  const recorder = {
    ...writer,
    id: environment.newId(),
    mode: job === undefined ? 'shared' : 'exclusive',
    job,
  } as const
  return { ...source, writer: recorder, log: new CatalogLog(backend, recorder, keeping, environment) }
}
