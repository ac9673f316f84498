import { nameOfSegment } from '../../catalog/commit/segments.ts'
import type { AttemptId, CatalogEntry, Rewind } from '../../catalog/documents/index.ts'
import type { CopySide } from '../copy/plan-copies.ts'
import { afterRewinds } from '../upkeep/repair/rewinds.ts'

/**
 * Returns the copies at the mirror whose originals were abandoned by rewinds of the store. `rewinds` are the committed rewinds of
 * the store, the earliest first. Never returns a copy whose original is listed.
 */
export function abandonedCopies(
  local: CopySide,
  mirror: CopySide,
  rewinds: readonly Rewind[],
): readonly CatalogEntry[] {
  const listed = new Set(local.catalog.checkpoints.all.map(({ attempt }) => attempt))
  const copies = new Map<AttemptId, CatalogEntry>()
  const originals: CatalogEntry[] = []
  for (const copy of mirror.catalog.checkpoints.all) {
    const { origin, order } = copy
    const named = nameOfSegment(mirror.catalog, mirror.id, order.segment)
    if (origin?.store !== local.id || listed.has(origin.attempt) || named.store !== local.id) continue
    copies.set(origin.attempt, copy)
    originals.push({ ...copy, attempt: origin.attempt, order: { ...order, segment: named.segment } })
  }
  const isKnownAbandoned = new Set((local.catalog.abandoned ?? []).map(({ attempt }) => attempt))
  const left = new Set(afterRewinds(originals, rewinds).abandoned.map(({ attempt }) => attempt))
  return originals.flatMap(({ attempt }) => {
    const copy = copies.get(attempt)
    return copy !== undefined && (left.has(attempt) || isKnownAbandoned.has(attempt)) ? [copy] : []
  })
}
