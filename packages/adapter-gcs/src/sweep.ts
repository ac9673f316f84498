import type { SweepReport } from '@holdfast/core/backend'

/**
 * Finds nothing. What this adapter leaves unfinished are resumable uploads: they cannot be listed, are not billed, and
 * the store discards each a week after it began (Cloud Storage documentation, "Resumable uploads"). Neither temporary
 * objects nor parts of an XML multipart upload are ever made, so there are none to find.
 */
export async function sweep(): Promise<SweepReport> {
  return { discarded: [], left: 0 }
}
