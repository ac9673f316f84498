import {
  type AttemptId,
  type CatalogEntry,
  newAttemptId,
  partsOfAttempt,
} from '../../src/catalog/documents/index.ts'
import { ownSegment } from '../../src/catalog/commit/segments.ts'
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
    order: { segment: segmentOf(attempt), base: partsOfAttempt(attempt).base },
    metrics,
    tags: [],
  }
}

export function attemptOf(index: number, operation: number, step: number, known: WholeCatalog): AttemptId {
  const token = `${ownSegment(known)}${`${index}${operation}`.padStart(15, '0')}`
  return newAttemptId(step, known.version, token)
}

/** The model has no manifests: the name of an attempt tells the segment that its save knew. */
function segmentOf(attempt: AttemptId): number {
  return Number(attempt.at(-16))
}
