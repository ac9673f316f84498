import type { CheckpointBackend } from '../../../backend/index.ts'
import { withSecondLook } from '../../../async/second-look.ts'
import { isDeadIn } from '../../../catalog/commit/rules/index.ts'
import {
  type AttemptId,
  attemptOfKey,
  type CatalogEntry,
  dataPrefix,
  decodeManifest,
  manifestKey,
} from '../../../catalog/documents/index.ts'
import { readIfThere } from '../../../catalog/documents/read-document.ts'
import { attemptsOf, type LostPage, type WholeCatalog } from '../../../catalog/pages/index.ts'
import { isHoldfastError } from '../../../errors.ts'
import { entryOf } from '../../attempts/write-attempt.ts'
import { inLostPages } from './pins.ts'

/**
 * Returns complete attempts that the catalog neither lists nor declares dead. Only the floor declares an attempt dead that a lost
 * page may have listed, so it is returned, too.
 */
export async function unlistedWholes(
  backend: CheckpointBackend,
  catalog: WholeCatalog,
  lost: readonly LostPage[],
  signal: AbortSignal | undefined,
): Promise<readonly CatalogEntry[]> {
  const listed = attemptsOf(catalog)
  const isDead = isDeadIn(catalog)
  const mayHaveBeenListed = inLostPages(lost, catalog)
  const attempts = new Set<AttemptId>()
  for await (const { key } of backend.list(dataPrefix, { signal })) {
    const attempt = attemptOfKey(key)
    if (attempt === undefined || listed.has(attempt)) continue
    if (!isDead(key) || mayHaveBeenListed(attempt)) attempts.add(attempt)
  }
  const wholes: CatalogEntry[] = []
  for (const attempt of attempts) {
    try {
      const entry = await withSecondLook(async (look) => {
        const bytes = await readIfThere(backend, manifestKey(attempt), signal, look)
        return bytes === undefined ? undefined : entryOf(decodeManifest(bytes, attempt), bytes)
      })
      if (entry === undefined) continue // the save never finished
      wholes.push({ ...entry, recovered: true })
    } catch (error) {
      if (!isHoldfastError(error, 'CORRUPT')) throw error
    }
  }
  return wholes
}
