import type { CatalogEntry } from '../documents/index.ts'
import type { PagedCatalog } from '../pages/index.ts'

/** The lists of a catalog with checkpoints that use space and are not listed. */
export type UnlistedCheckpoints = Pick<PagedCatalog, 'abandoned' | 'quarantined' | 'removed'>

/** Returns the abandoned, quarantined and removed checkpoints. */
export function unlistedIn({
  abandoned = [],
  quarantined,
  removed = [],
}: UnlistedCheckpoints): readonly CatalogEntry[] {
  return [...abandoned, ...[...quarantined, ...removed].map(({ entry }) => entry)]
}
