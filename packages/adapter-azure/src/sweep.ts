import type { SweepReport } from '@holdfast/core/backend'

/**
 * Discards nothing, since there is nothing that it could discard safely. Blocks that were staged and never committed
 * belong to a name, not to an upload, and no request removes those of one upload alone; the service drops them a week
 * after the last one was staged, and they are not listed until then (Blob service REST API, "Put Block List").
 */
export async function sweep(): Promise<SweepReport> {
  return { discarded: [], left: 0 }
}
