import type { CheckpointBackend } from '../../backend/index.ts'
import { attemptOfKey, dataPrefix } from '../documents/index.ts'
import { HoldfastError } from '../../errors.ts'
import type { PagedCatalog } from '../pages/index.ts'

/** Access to the catalog and the attempts of a store. */
export interface CatalogPlace {
  readonly backend: CheckpointBackend
  readonly log: { readonly isEmpty: (signal?: AbortSignal) => Promise<boolean> }
}

export function lostCatalog(url: string): HoldfastError {
  return new HoldfastError('CORRUPT', `The catalog of ${url} is lost, but its checkpoints still exist.`, {
    url,
    hint: { kind: 'repair' },
  })
}

export function versionsLost({ version, floor }: PagedCatalog, url: string): HoldfastError {
  return new HoldfastError(
    'CORRUPT',
    `Versions of the catalog between ${Math.max(1, floor)} and ${version} are lost, so saves of other writers may not be listed. ` +
      'Nothing was deleted.',
    { url, hint: { kind: 'repair' } },
  )
}

/**
 * Returns whether a store without a listed version has lost its catalog. The first version is created before any
 * attempt begins. So if the store has objects of an attempt and lists no version, the versions are lost.
 */
export async function isCatalogLost({ backend, log }: CatalogPlace, signal?: AbortSignal): Promise<boolean> {
  for await (const { key } of backend.list(dataPrefix, { signal })) {
    if (attemptOfKey(key) !== undefined) return log.isEmpty(signal)
  }
  return false
}
