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
 * The distance between the number of a rebuilt catalog and the highest version that any object names. A running writer
 * may know later versions, because not every commit writes an attempt or a page. The numbers after them must not be
 * free.
 */
const marginOfLostVersions = 1_000_000

/** Returns the highest version that must have existed, by the bases of attempts and the names of pages. */
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

/** Returns a number above all lost versions. */
export function versionAbove(lost: number, url: string): number {
  const version = lost + marginOfLostVersions
  if (version < Number.MAX_SAFE_INTEGER - marginOfLostVersions) return version
  throw new HoldfastError(
    'CORRUPT',
    `An object in ${url} has the number ${lost} in its name. That number is so high that no version of the catalog can follow, ` +
      'and Holdfast did not write it. Move the object out of the store, and try again.',
    { url },
  )
}
