import { pagesPassed } from '../../catalog/commit/rules/index.ts'
import type { StoreContext } from '../context/context.ts'
import { catalogKey, pageKey } from '../../catalog/documents/index.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { type Deletion, deleteKeys } from '../attempts/delete-attempts.ts'
import { graceOf } from '../../catalog/judging/recorded-keeping.ts'

/**
 * Returns whether a run should sweep the whole store between two versions, instead of deleting only its own leftovers.
 * A sweep lists every object. With more checkpoints it runs less often, so its share of the cost of a commit stays
 * constant. With a grace period it always runs, because the catalog may no longer name attempts whose grace period has
 * ended.
 */
export function isSweepDue(context: StoreContext, from: number, to: PagedCatalog): boolean {
  const { tidyEvery } = context.environment
  if (graceOf(context.keeping, to) > 0) return true
  // Rounded up so that it seldom changes. Processes that save once each then pass the same multiples as one process.
  const interval = tidyEvery * 2 ** Math.ceil(Math.log2(Math.max(1, to.checkpoints.length / tidyEvery)))
  return Math.floor(to.version / interval) > Math.floor(from / interval)
}

/** Removes the catalog versions below a raised floor, and the pages that only those versions needed. */
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
