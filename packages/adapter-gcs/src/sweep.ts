import type { SweepReport } from '@holdfast/core/backend'

/**
 * Finds nothing. This adapter can leave only resumable uploads unfinished. They cannot be listed and are not billed,
 * and the store discards each a week after it began: https://cloud.google.com/storage/docs/resumable-uploads. The
 * adapter creates no temporary objects and no XML multipart uploads.
 */
export async function sweep(): Promise<SweepReport> {
  return { discarded: [], left: 0 }
}
