import type { Decision } from '../../retention/index.ts'
import type { Committed } from '../../catalog/commit/catalog-log.ts'
import type { StoreContext } from '../context.ts'
import type { CatalogEntry } from '../../catalog/documents/index.ts'
import { judge, retain } from '../../catalog/judging/judgement.ts'
import { assertNoContradiction, droppingOf } from '../../catalog/judging/recorded-keeping.ts'
import type { WholeCatalog } from '../../catalog/pages/index.ts'

export interface PruneOptions {
  /** Tell what would go; change nothing. */
  readonly dryRun?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** What became of each checkpoint, and why, in the order of their steps. */
export interface PruneReport {
  readonly kept: readonly { readonly step: number; readonly because: readonly string[] }[]
  readonly dropped: readonly { readonly step: number; readonly because: string; readonly bytes: number }[]
}

/** What retention would do now. */
export async function planPrune(
  context: StoreContext,
  signal: AbortSignal | undefined,
): Promise<PruneReport> {
  const catalog = await context.log.whole(signal)
  assertNoContradiction(context.keeping, catalog)
  const decisions = decide(context, catalog, undefined)
  const bytes = new Map(catalog.checkpoints.all.map((entry) => [entry.step, entry.bytes]))
  return {
    kept: keptOf(decisions),
    dropped: decisions.flatMap(({ step, kept, because }) =>
      kept ? [] : [{ step, because: because.join(', '), bytes: bytes.get(step) ?? 0 }],
    ),
  }
}

/** What it did, and what is kept in the catalog that came of it. The bytes of what went are no longer known to the catalog. */
export function pruneReport(
  context: StoreContext,
  catalog: WholeCatalog,
  { dropped }: Committed,
  planned: PruneReport,
  storeNow: Date | undefined,
): PruneReport {
  const bytes = new Map(planned.dropped.map((drop) => [drop.step, drop.bytes]))
  return {
    kept: keptOf(decide(context, catalog, storeNow)),
    dropped: dropped.map(({ step, because }) => ({ step, because, bytes: bytes.get(step) ?? 0 })),
  }
}

function decide(
  { keeping, environment }: StoreContext,
  catalog: WholeCatalog,
  storeNow: Date | undefined,
): readonly Decision[] {
  const inUse = ({ attempt }: CatalogEntry): string | undefined =>
    keeping.restoring.has(attempt) ? 'being restored' : undefined
  const { objectives, retention } = droppingOf(keeping, catalog)
  return retain(catalog, judge(catalog, objectives), retention, { now: environment.now(), storeNow }, inUse)
}

function keptOf(decisions: readonly Decision[]): PruneReport['kept'] {
  return decisions.flatMap(({ step, kept, because }) => (kept ? [{ step, because }] : []))
}
