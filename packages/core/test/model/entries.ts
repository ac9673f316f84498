import {
  type AttemptId,
  type CatalogEntry,
  newAttemptId,
  partsOfAttempt,
} from '../../src/catalog/documents/index.ts'
import type { WholeCatalog } from '../../src/catalog/pages/index.ts'

export const time = '2026-01-01T00:00:00.000Z'

export function entryOf(
  step: number,
  attempt: AttemptId | undefined,
  metrics: CatalogEntry['metrics'] = {},
): CatalogEntry {
  if (attempt === undefined) throw new Error('A save is committed after its bytes are put')
  return {
    step,
    attempt,
    manifest: { sha256: '0'.repeat(64), size: 1 },
    fileCount: 1,
    bytes: 1,
    savedAt: time,
    order: { segment: 0, base: partsOfAttempt(attempt).base },
    metrics,
    tags: [],
  }
}

export function attemptOf(index: number, operation: number, step: number, known: WholeCatalog): AttemptId {
  return newAttemptId(step, known.version, `${index}${operation}`.padStart(16, '0'))
}
