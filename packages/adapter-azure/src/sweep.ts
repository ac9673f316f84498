import type { SweepReport } from '@holdfast/core/backend'

/**
 * Discards nothing, since nothing can be discarded safely. Staged blocks belong to a name, not to an upload, and no
 * request deletes the blocks of one upload only. They are not listed as objects, and the service discards them a week
 * after the last block was staged: https://learn.microsoft.com/en-us/rest/api/storageservices/put-block-list.
 */
export async function sweep(): Promise<SweepReport> {
  return { discarded: [], left: 0 }
}
