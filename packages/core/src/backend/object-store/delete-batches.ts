import type { DeleteReport } from '../backend.ts'
import { concurrently } from '../../async/concurrently.ts'

/**
 * Deletes keys in batches of the size that the store allows, several batches at once. `deleteBatch` returns the keys
 * that the store did not delete, each with its error.
 */
export async function deleteInBatches(
  keys: readonly string[],
  { batchSize, batchesAtOnce }: { readonly batchSize: number; readonly batchesAtOnce: number },
  signal: AbortSignal | undefined,
  deleteBatch: (batch: readonly string[], signal: AbortSignal) => Promise<DeleteReport['failed']>,
): Promise<DeleteReport> {
  const batches = Array.from({ length: Math.ceil(keys.length / batchSize) }, (_, index) =>
    keys.slice(index * batchSize, (index + 1) * batchSize),
  )
  const failed = (await concurrently(batches, batchesAtOnce, signal, deleteBatch)).flat()
  const kept = new Set(failed.map(({ key }) => key))
  return { deleted: keys.filter((key) => !kept.has(key)), failed }
}
