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
  partsOfAttempt,
} from '../../../catalog/documents/index.ts'
import { readIfThere } from '../../../catalog/documents/read-document.ts'
import { attemptsOf, type LostPage, type WholeCatalog } from '../../../catalog/pages/index.ts'
import { isHoldfastError } from '../../../errors.ts'
import { entryOf } from '../../attempts/write-attempt.ts'

/**
 * Returns complete attempts that the catalog neither lists nor declares dead. A lost page may have listed and pinned
 * such an attempt, so it is pinned until a person unpins it.
 */
export async function unlistedWholes(
  backend: CheckpointBackend,
  catalog: WholeCatalog,
  lost: readonly LostPage[],
  at: string,
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
      const pin = mayHaveBeenListed(attempt) ? { pinned: { reason: pinnedByRepair, at } } : {}
      wholes.push({ ...entry, ...pin, recovered: true })
    } catch (error) {
      if (!isHoldfastError(error, 'CORRUPT')) throw error
    }
  }
  return wholes
}

const pinnedByRepair = 'found by repair: a page of the catalog was lost, and it may have been pinned there'

/** Returns whether a lost page may have listed an attempt. Only the floor declares such an attempt dead. */
function inLostPages(lost: readonly LostPage[], { history }: WholeCatalog): (attempt: AttemptId) => boolean {
  const ranges = lost.flatMap(({ holds, reference }) => (holds === 'checkpoints' ? [reference] : []))
  const dropped = new Set(history.flatMap((record) => record.dropped.map(({ attempt }) => attempt)))
  return (attempt) => {
    const { step } = partsOfAttempt(attempt)
    return ranges.some(({ from, to }) => from <= step && step <= to) && !dropped.has(attempt)
  }
}
