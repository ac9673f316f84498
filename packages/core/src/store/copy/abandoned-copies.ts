import { nameOfSegment } from '../../catalog/commit/segments.ts'
import {
  type AttemptId,
  type CatalogEntry,
  partsOfAttempt,
  type Rewind,
} from '../../catalog/documents/index.ts'
import { afterRewinds } from '../upkeep/repair/rewinds.ts'
import type { CopySide } from './plan-copies.ts'

/**
 * Returns the copies in `destination` whose originals were abandoned by rewinds of `source`. `rewinds` are the committed rewinds
 * of the source, the earliest first. Never returns a copy whose original is listed, nor one under another step: that was chosen
 * for itself, such as for a release.
 */
export function abandonedCopies(
  source: CopySide,
  destination: CopySide,
  rewinds: readonly Rewind[],
): readonly CatalogEntry[] {
  const listed = new Set(source.catalog.checkpoints.all.map(({ attempt }) => attempt))
  const copies = new Map<AttemptId, CatalogEntry>()
  const originals: CatalogEntry[] = []
  for (const copy of destination.catalog.checkpoints.all) {
    const { origin, order, step } = copy
    const named = nameOfSegment(destination.catalog, destination.id, order.segment)
    if (origin?.store !== source.id || listed.has(origin.attempt) || named.store !== source.id) continue
    if (partsOfAttempt(origin.attempt).step !== step) continue
    copies.set(origin.attempt, copy)
    originals.push({ ...copy, attempt: origin.attempt, order: { ...order, segment: named.segment } })
  }
  const isKnownAbandoned = new Set((source.catalog.abandoned ?? []).map(({ attempt }) => attempt))
  const left = new Set(afterRewinds(originals, rewinds).abandoned.map(({ attempt }) => attempt))
  return originals.flatMap(({ attempt }) => {
    const copy = copies.get(attempt)
    return copy !== undefined && (left.has(attempt) || isKnownAbandoned.has(attempt)) ? [copy] : []
  })
}
