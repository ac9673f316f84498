import { HoldfastError } from '../../errors.ts'
import type { Decision } from '../../retention/index.ts'
import type { StoreContext } from '../context/context.ts'
import type { CatalogEntry, Removed } from '../../catalog/documents/index.ts'
import type { JudgedCatalog } from '../../catalog/judging/judged-catalog.ts'
import { undoTime } from '../../catalog/commit/rules/index.ts'
import { freedBy } from '../../catalog/judging/freed-by.ts'
import { retain } from '../../catalog/judging/judgement.ts'
import { becauseAbandoned } from '../../catalog/judging/keeping.ts'
import { assertNoContradiction } from '../../catalog/judging/recorded-keeping.ts'
import { reportClockDoubts } from '../context/clock-events.ts'
import { judgedNow } from '../context/judged-now.ts'
import { reportUnscored } from '../context/metric-events.ts'
import { type UndoableOptions, undoForIn } from './undoable.ts'
import type { ChangeWriter } from './change-writer.ts'

/** Commits a prune, and deletes what it drops. */
export type PruneWriter = Pick<ChangeWriter, 'free' | 'timeForRetention'>

/** The options of `store.prune()`. */
export interface PruneOptions extends UndoableOptions {
  /** Returns what would be dropped, and changes nothing. */
  readonly dryRun?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** The decision about each checkpoint, with reasons, in the order of steps. */
export interface PruneReport {
  readonly kept: readonly { readonly step: number; readonly because: readonly string[] }[]
  readonly dropped: readonly { readonly step: number; readonly because: string; readonly bytes: number }[]
  /** The bytes that dropping them frees at least. Bytes that a kept checkpoint may share are not counted. */
  readonly freedBytes: number
  /**
   * The time until which `undo()` lists the dropped ones again. The first save or sweep after it frees their space. `undefined`
   * if their space is freed at once.
   */
  readonly undoUntil: Date | undefined
}

/** Applies the retention of this process. In a dry run, or if nothing would be dropped, commits nothing. */
export async function pruneStore(
  context: StoreContext,
  writer: PruneWriter,
  { dryRun = false, signal, ...undoable }: PruneOptions,
): Promise<PruneReport> {
  const before = judgedNow(context, await context.log.whole(signal))
  assertNoContradiction(context.keeping, before.catalog, context.backend.url)
  const undoFor = undoForIn(undoable)
  const at = context.environment.now().toISOString()
  const planned = planOf(before, decide(context, before, undefined))
  const until = undoTime(
    before.catalog,
    { change: { kind: 'prune', undoFor }, keeping: context.keeping, at },
    planned.dropped.length,
  )
  if (until.kind === 'refused') throw new HoldfastError(until.code, until.why, { url: context.backend.url })
  const plan = { ...planned, undoUntil: timeOf(until.time) }
  reportUnscored(context, before)
  if (dryRun || plan.dropped.length === 0) return plan
  let storeNow: Date | undefined
  const committed = await writer.free(async () => {
    storeNow = await writer.timeForRetention(signal)
    return { kind: 'prune', storeNow, undoFor }
  }, signal)
  const catalog = await context.log.wholeOf(committed.catalog, signal)
  reportClockDoubts(context, catalog, storeNow)
  // Another writer may have committed since. The judgement of the commit applies only to its own version.
  const isOwn = catalog.version === committed.catalog.version
  const after = judgedNow(context, catalog, isOwn ? committed.judgement : undefined)
  const attempts = [...committed.dropped, ...committed.removed.map(({ entry }) => entry)]
  // The catalog no longer contains the size of dropped checkpoints.
  const bytes = new Map(plan.dropped.map((drop) => [drop.step, drop.bytes]))
  return {
    kept: keptOf(decide(context, after, storeNow)),
    dropped: [...committed.dropped, ...committed.removed.map(asDrop)].map(({ step, because }) => ({
      step,
      because,
      bytes: bytes.get(step) ?? 0,
    })),
    freedBytes: freedBytes(before, attempts),
    undoUntil: timeOf(committed.removed[0]?.until),
  }
}

function timeOf(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text)
}

function asDrop({ entry, because }: Removed): { readonly step: number; readonly because: string } {
  return { step: entry.step, because }
}

function planOf(judged: JudgedCatalog, decisions: readonly Decision[]): Omit<PruneReport, 'undoUntil'> {
  const { whole, abandonedReasons } = judged
  const listed = new Map(whole.checkpoints.all.map((entry) => [entry.step, entry]))
  const abandoned = (whole.abandoned ?? []).filter(({ attempt }) => !abandonedReasons.has(attempt))
  const dropped = [
    ...abandoned.map((entry) => ({ entry, because: becauseAbandoned })),
    ...decisions.flatMap(({ step, kept, because }) => {
      const entry = kept ? undefined : listed.get(step)
      return entry === undefined ? [] : [{ entry, because: because.join(', ') }]
    }),
  ]
  return {
    kept: keptOf(decisions),
    dropped: dropped.map(({ entry: { step, bytes }, because }) => ({ step, because, bytes })),
    freedBytes: freedBytes(
      judged,
      dropped.map(({ entry }) => entry),
    ),
  }
}

function freedBytes({ whole }: JudgedCatalog, dropped: readonly Pick<CatalogEntry, 'attempt'>[]): number {
  return freedBy(whole, new Set(dropped.map(({ attempt }) => attempt))).bytes
}

function decide(
  { keeping, environment }: StoreContext,
  { whole, judgement }: JudgedCatalog,
  storeNow: Date | undefined,
): readonly Decision[] {
  const inUse = ({ attempt }: CatalogEntry): string | undefined =>
    keeping.restoring.has(attempt) ? 'being restored' : undefined
  return retain(whole, judgement, keeping.retention, { now: environment.now(), storeNow }, inUse)
}

function keptOf(decisions: readonly Decision[]): PruneReport['kept'] {
  return decisions.flatMap(({ step, kept, because }) => (kept ? [{ step, because }] : []))
}
