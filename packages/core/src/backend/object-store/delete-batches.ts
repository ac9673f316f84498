import type { DeleteReport } from '../backend.ts'
import { concurrently } from '../concurrently.ts'

/** Deletes in batches of the size that the store takes, several at once, and joins what became of the keys. */
export async function deleteInBatches(
  keys: readonly string[],
  batchSize: number,
  batchesAtOnce: number,
  signal: AbortSignal | undefined,
  deleteBatch: (batch: readonly string[], signal: AbortSignal) => Promise<DeleteReport>,
): Promise<DeleteReport> {
  const batches = Array.from({ length: Math.ceil(keys.length / batchSize) }, (_, index) =>
    keys.slice(index * batchSize, (index + 1) * batchSize),
  )
  const reports = await concurrently(batches, batchesAtOnce, signal, deleteBatch)
  return {
    deleted: reports.flatMap(({ deleted }) => deleted),
    failed: reports.flatMap(({ failed }) => failed),
  }
}
