import type { CheckpointBackend } from '../../backend/index.ts'
import { HoldfastError } from '../../errors.ts'
import {
  attemptOfKey,
  dataPrefix,
  pageOfKey,
  pagesPrefix,
  partsOfAttempt,
  versionOfPage,
} from '../documents/index.ts'

/**
 * How far a rebuild of a catalog that has lost versions goes beyond the highest version that anything names. A writer
 * that runs may know later ones, since not every commit leaves an attempt or a page; it must not find their successors
 * free.
 */
const marginOfLostVersions = 1_000_000

/** The highest version that was there, by what was written after it: the base of an attempt, the page of a successor. */
export async function highestNamedVersion(backend: CheckpointBackend, signal?: AbortSignal): Promise<number> {
  let highest = 0
  for await (const { key } of backend.list(dataPrefix, { signal })) {
    const attempt = attemptOfKey(key)
    if (attempt !== undefined) highest = Math.max(highest, partsOfAttempt(attempt).base)
  }
  for await (const { key } of backend.list(pagesPrefix, { signal })) {
    const page = pageOfKey(key)
    if (page !== undefined) highest = Math.max(highest, versionOfPage(page) - 1)
  }
  return highest
}

/** A version above all that were lost. */
export function versionAbove(lost: number, url: string): number {
  const version = lost + marginOfLostVersions
  if (version < Number.MAX_SAFE_INTEGER - marginOfLostVersions) return version
  throw new HoldfastError(
    'CORRUPT',
    `An attempt or a page in ${url} names version ${lost} of the catalog, and no higher one can follow. ` +
      'Remove what has that number in its name.',
    { url },
  )
}
