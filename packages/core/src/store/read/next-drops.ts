import { ownSegment } from '../../catalog/commit/segments.ts'
import { type CatalogEntry, newAttemptId } from '../../catalog/documents/index.ts'
import { applyRetention } from '../../catalog/judging/keeping.ts'
import { keepingInForce } from '../../catalog/judging/recorded-keeping.ts'
import type { WholeCatalog } from '../../catalog/pages/index.ts'
import type { StoreContext } from '../context/context.ts'

/** A checkpoint that the next save would drop. */
export interface NextDrop {
  readonly step: number
  readonly because: string
  readonly bytes: number
  /** Whether a rewind left it behind. */
  readonly isAbandoned: boolean
}

/**
 * Returns what the next save would drop, the oldest step first. It applies the retention in force to a save of the next step
 * that has the size of the latest checkpoint and no metrics.
 */
export async function nextDrops(
  context: StoreContext,
  signal: AbortSignal | undefined,
): Promise<readonly NextDrop[]> {
  return nextDropsOf(context, await context.log.whole(signal))
}

/** Returns what the next save after a version of the catalog would drop. */
export function nextDropsOf(
  { keeping, environment }: StoreContext,
  catalog: WholeCatalog,
): readonly NextDrop[] {
  const at = environment.now().toISOString()
  const saved = nextEntry(catalog, at, environment.newToken())
  if (saved === undefined) return []
  const inForce = { ...keeping, ...keepingInForce(keeping, catalog) }
  const lists = {
    checkpoints: catalog.checkpoints.with(saved.step, saved),
    abandoned: catalog.abandoned ?? [],
    metrics: catalog.metrics,
    dropped: [],
    keeping: catalog.keeping,
  }
  const terms = { dropsBy: 'own retention', records: 'objectives', saved: saved.attempt } as const
  const { dropped } = applyRetention(catalog, lists, terms, inForce, at)
  const abandoned = new Map((catalog.abandoned ?? []).map((entry) => [entry.attempt, entry]))
  return dropped.map(({ step, attempt, because }) => ({
    step,
    because,
    bytes: (abandoned.get(attempt) ?? catalog.checkpoints.get(step))?.bytes ?? 0,
    isAbandoned: abandoned.has(attempt),
  }))
}

/** The line of a checkpoint that the next save would list. */
function nextEntry(catalog: WholeCatalog, savedAt: string, token: string): CatalogEntry | undefined {
  const { latest, checkpoints, version } = catalog
  const last = checkpoints.all.at(-1)
  if (latest === undefined || last === undefined) return undefined
  const step = last.step + 1
  return {
    step,
    attempt: newAttemptId(step, version, token),
    manifest: latest.manifest,
    fileCount: latest.fileCount,
    bytes: latest.bytes,
    savedAt,
    order: { segment: ownSegment(catalog), base: version },
    metrics: {},
    tags: [],
  }
}
