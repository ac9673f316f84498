import { pagesPassed } from '../../catalog/commit/rules/index.ts'
import type { StoreContext } from '../context/context.ts'
import { catalogKey, pageKey } from '../../catalog/documents/index.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { type Deletion, deleteKeys } from '../attempts/delete-attempts.ts'

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
