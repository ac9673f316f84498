import type { CatalogLog } from '../../catalog/commit/catalog-log.ts'
import { newestReadable } from '../../catalog/commit/newest-readable.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { isHoldfastError } from '../../errors.ts'

/** The id that a store had when it last owned its mirror. It remains known when the marker is lost. */
export function recordedId({ mirror }: PagedCatalog): string | undefined {
  return mirror?.owner
}

/** Returns the id of a store that has lost its marker, as far as its newest readable catalog records it. */
export async function formerId(
  log: CatalogLog,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    return recordedId(await log.newest(signal))
  } catch (error) {
    if (!isHoldfastError(error, 'CORRUPT')) throw error
    return recordedId((await newestReadable(log, signal)).catalog)
  }
}
