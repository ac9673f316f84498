import type { Decision } from '../../retention/index.ts'
import type { StoreContext } from '../context.ts'
import type { CatalogEntry } from '../../catalog/documents/index.ts'
import type { JudgedCatalog } from '../../catalog/judging/judged-catalog.ts'
import { retain } from '../../catalog/judging/judgement.ts'
import { assertNoContradiction } from '../../catalog/judging/recorded-keeping.ts'
import { reportClockDoubts } from '../clock-events.ts'
import { judgedNow } from '../judged-now.ts'
import { reportUnscored } from '../metric-events.ts'
import type { ChangeWriter } from './change-writer.ts'

export interface PruneOptions {
  /** Return what would be dropped; change nothing. */
  readonly dryRun?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** What became of each checkpoint, and why, in the order of their steps. */
export interface PruneReport {
  readonly kept: readonly { readonly step: number; readonly because: readonly string[] }[]
  readonly dropped: readonly { readonly step: number; readonly because: string; readonly bytes: number }[]
}

/** Applies the retention of this process. In a dry run, or if nothing would be dropped, commits nothing. */
export async function pruneStore(
  context: StoreContext,
  writer: ChangeWriter,
  { dryRun = false, signal }: PruneOptions,
): Promise<PruneReport> {
  const before = judgedNow(context, await context.log.whole(signal))
  assertNoContradiction(context.keeping, before.catalog)
  const plan = planOf(before, decide(context, before, undefined))
  reportUnscored(context, before)
  if (dryRun || plan.dropped.length === 0) return plan
  let storeNow: Date | undefined
  const committed = await writer.free(async () => {
    storeNow = await writer.timeForRetention(signal)
    return { kind: 'prune', storeNow }
  }, signal)
  const catalog = await context.log.wholeOf(committed.catalog, signal)
  reportClockDoubts(context, catalog, storeNow)
  // Another writer may have gone on since; the commit's judgement is only that of its own version.
  const isOwn = catalog.version === committed.catalog.version
  const after = judgedNow(context, catalog, isOwn ? committed.judgement : undefined)
  // The catalog no longer knows the size of what was dropped.
  const bytes = new Map(plan.dropped.map((drop) => [drop.step, drop.bytes]))
  return {
    kept: keptOf(decide(context, after, storeNow)),
    dropped: committed.dropped.map(({ step, because }) => ({ step, because, bytes: bytes.get(step) ?? 0 })),
  }
}

function planOf({ whole }: JudgedCatalog, decisions: readonly Decision[]): PruneReport {
  const bytes = new Map(whole.checkpoints.all.map((entry) => [entry.step, entry.bytes]))
  return {
    kept: keptOf(decisions),
    dropped: decisions.flatMap(({ step, kept, because }) =>
      kept ? [] : [{ step, because: because.join(', '), bytes: bytes.get(step) ?? 0 }],
    ),
  }
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
