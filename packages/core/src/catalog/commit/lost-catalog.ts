import type { CheckpointBackend } from '../../backend/index.ts'
import { attemptOfKey, dataPrefix } from '../documents/index.ts'
import { HoldfastError } from '../../errors.ts'

/** Where the catalog of a store lies, and beside it the attempts that it lists. */
export interface CatalogPlace {
  readonly backend: CheckpointBackend
  readonly log: { readonly isEmpty: (signal?: AbortSignal) => Promise<boolean> }
}

export function lostCatalog(url: string): HoldfastError {
  return new HoldfastError(
    'CORRUPT',
    `The catalog of ${url} is lost, and its checkpoints are still there. Run holdfast repair, which lists them again.`,
    { url },
  )
}

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
