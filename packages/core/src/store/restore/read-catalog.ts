import { catalogFor } from '../../catalog/commit/catalog-for.ts'
import { isCatalogLost } from '../../catalog/commit/lost-catalog.ts'
import { newestReadable } from '../../catalog/commit/newest-readable.ts'
import type { CheckpointChoice } from '../../catalog/judging/choose.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { isHoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context/context.ts'
import type { Restored, RestoreOptions } from './result.ts'

/** The version of the catalog from which a restore chooses. */
export interface CatalogForRestore {
  readonly catalog: PagedCatalog
  /** The newer versions that cannot be read. */
  readonly damaged: Restored['damagedCatalogs']
}

/**
 * Reads the newest catalog, with all lines for the choice `any`. With `fallback`, uses what can be read of a damaged one, and
 * calls `repair` if it is lost.
 */
export async function readCatalog(
  context: StoreContext,
  choice: CheckpointChoice | 'any',
  { fallback, signal }: RestoreOptions,
  repair: (signal: AbortSignal | undefined) => Promise<unknown>,
): Promise<CatalogForRestore> {
  const { log } = context
  const read = (): Promise<PagedCatalog> =>
    choice === 'any' ? log.whole(signal) : catalogFor(log, choice, signal)
  try {
    return { catalog: await read(), damaged: [] }
  } catch (error) {
    if (fallback !== true || !isHoldfastError(error, 'CORRUPT')) throw error
  }
  if (!(await isCatalogLost(context, signal))) return newestReadable(log, signal)
  await repair(signal)
  return { catalog: await read(), damaged: [] }
}
