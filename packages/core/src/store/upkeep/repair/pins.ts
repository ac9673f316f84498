import { type AttemptId, type CatalogEntry, partsOfAttempt } from '../../../catalog/documents/index.ts'
import type { ReadableCatalog } from '../../../catalog/commit/newest-readable.ts'
import { reasonOfRepairPin } from '../../../catalog/judging/repair-pin.ts'
import type { LostPage, WholeCatalog } from '../../../catalog/pages/index.ts'

/** What decides whether a damaged or lost document may have pinned a checkpoint. */
interface Losses extends Pick<ReadableCatalog, 'catalog' | 'lost' | 'damaged'> {
  /** The attempts that the catalog does not list. */
  readonly unlisted: readonly CatalogEntry[]
}

/**
 * Returns a function that returns why a checkpoint must be pinned: a damaged or lost document may have pinned it. A pin leaves no
 * other trace in the store, so a lost version can have pinned every checkpoint, and a lost page each one that it may have listed.
 */
export function reasonsToPin(losses: Losses): (entry: CatalogEntry) => string | undefined {
  const { catalog, lost, damaged, unlisted } = losses
  const isNewestLost = damaged.some(({ version }) => version > catalog.version)
  const found = new Set(unlisted.map(({ attempt }) => attempt))
  const mayHaveBeenListed = inLostPages(lost, catalog)
  return ({ attempt, pinned }) => {
    if (pinned !== undefined) return undefined
    if (isNewestLost) return reasonOfRepairPin('the damaged or lost catalog')
    return found.has(attempt) && mayHaveBeenListed(attempt)
      ? reasonOfRepairPin('a damaged or lost page of the catalog')
      : undefined
  }
}

/** Returns whether a lost page may have listed an attempt that the readable pages do not list. */
export function inLostPages(
  lost: readonly LostPage[],
  { history }: WholeCatalog,
): (attempt: AttemptId) => boolean {
  const ranges = lost.flatMap(({ holds, reference }) => (holds === 'checkpoints' ? [reference] : []))
  const dropped = new Set(history.flatMap((record) => record.dropped.map(({ attempt }) => attempt)))
  return (attempt) => {
    const { step } = partsOfAttempt(attempt)
    return ranges.some(({ from, to }) => from <= step && step <= to) && !dropped.has(attempt)
  }
}
