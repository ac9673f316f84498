import type { CheckpointBackend } from '../../backend/index.ts'
import { attemptOfKey, dataPrefix } from '../documents/index.ts'
import type { CatalogLog } from './catalog-log.ts'

/** Where the catalog of a store lies, and beside it the attempts that it lists. */
export interface CatalogPlace {
  readonly backend: CheckpointBackend
  readonly log: CatalogLog
}

export const lostCatalog =
  'The catalog is lost, and checkpoints are there. Run holdfast repair, which lists them again.'

/**
 * Whether a store in which no version of the catalog was seen is not a new one. No attempt begins before the first
 * version is there; so where something lies under an attempt, and still no version is seen, they are lost.
 */
export async function isCatalogLost({ backend, log }: CatalogPlace, signal?: AbortSignal): Promise<boolean> {
  for await (const { key } of backend.list(dataPrefix, { signal })) {
    if (attemptOfKey(key) !== undefined) return log.isEmpty(signal)
  }
  return false
}
