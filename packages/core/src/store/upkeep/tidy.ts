import { pagesPassed } from '../../catalog/commit/rules.ts'
import type { StoreContext } from '../context.ts'
import { catalogKey, pageKey } from '../../catalog/documents/index.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { type Deletion, deleteKeys } from '../attempts/delete-attempts.ts'
import { graceOf } from '../attempts/delete-dropped.ts'

/**
 * Whether a run that has come from one version to another is to sweep the whole store, and not only to remove what it
 * has left behind itself. A sweep looks at every object: the more checkpoints are listed, the more rarely it is due, so
 * that each commit bears the same part of it. With a grace period for what is dropped it always is: the catalog may no
 * longer know what has outlived it.
 */
export function isSweepDue(context: StoreContext, from: number, to: PagedCatalog): boolean {
  const { tidyEvery } = context.environment
  if (graceOf(context, to) > 0) return true
  // Rounded up so that it seldom changes: processes that save once each cross the same multiples as one that goes on.
  const interval = tidyEvery * 2 ** Math.ceil(Math.log2(Math.max(1, to.checkpoints.length / tidyEvery)))
  return Math.floor(to.version / interval) > Math.floor(from / interval)
}

/** Removes the catalog versions below a raised floor, and the pages that only those needed. */
export async function removePassed(
  { backend, log }: StoreContext,
  before: PagedCatalog,
  { floor }: PagedCatalog,
): Promise<Deletion> {
  const keys = pagesPassed(before, floor).map(pageKey)
  for await (const { version } of log.versions(1)) {
    if (version >= floor) break
    keys.push(catalogKey(version))
  }
  return deleteKeys(backend, keys)
}
