import type { AttemptId, CatalogEntry } from '../../../catalog/documents/index.ts'
import type { WholeCatalog } from '../../../catalog/pages/index.ts'

/** Maximum number of checkpoints that share one physical copy of a file. */
export const mostSharing = 8

/**
 * Returns for each attempt how many checkpoints may have bytes that its save wrote, also checkpoints that are not listed any more.
 * The catalog does not say which files these are, so a file may have fewer.
 */
export function countSharing({
  checkpoints,
  abandoned = [],
  quarantined,
  removed = [],
}: Pick<WholeCatalog, 'checkpoints' | 'abandoned' | 'quarantined' | 'removed'>): ReadonlyMap<
  AttemptId,
  number
> {
  const entries: readonly CatalogEntry[] = [
    ...checkpoints.all,
    ...abandoned,
    ...[...quarantined, ...removed].map(({ entry }) => entry),
  ]
  const counts = new Map<AttemptId, number>()
  for (const { attempt, shared = [] } of entries)
    for (const writer of new Set([attempt, ...shared.map((each) => each.attempt)]))
      counts.set(writer, (counts.get(writer) ?? 0) + 1)
  return counts
}
