import type { DeleteReport } from '../backend.ts'
import { isHoldfastError } from '../../errors.ts'
import { concurrently } from '../../async/concurrently.ts'

/**
 * Deletes keys in batches of the size that the store allows, several batches at once. `deleteBatch` returns the keys
 * that the store did not delete, each with its error. Keys that failed with a retryable error are sent once more: a store may
 * fail for single keys of a batch (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html).
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
  const failures = await concurrently(batches, batchesAtOnce, signal, async (batch, batchSignal) => {
    const first = await deleteBatch(batch, batchSignal)
    const again = first.filter(({ error }) => isHoldfastError(error) && error.retryable)
    if (again.length === 0) return first
    const second = await deleteBatch(
      again.map(({ key }) => key),
      batchSignal,
    )
    return [...first.filter((each) => !again.includes(each)), ...second]
  })
  const failed = failures.flat()
  const kept = new Set(failed.map(({ key }) => key))
  return { deleted: keys.filter((key) => !kept.has(key)), failed }
}
