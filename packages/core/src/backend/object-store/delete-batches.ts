import type { DeleteReport } from '../backend.ts'
import { isHoldfastError } from '../../errors.ts'
import { concurrently } from '../../async/concurrently.ts'
import { defaultRetryPolicy, pauseBefore, type RetryPolicy } from '../retry.ts'

/** How keys are deleted in batches. */
export interface BatchPlan {
  readonly batchSize: number
  readonly batchesAtOnce: number
  /** The policy for single keys of a batch that fail. */
  readonly retry?: RetryPolicy | undefined
}

/**
 * Deletes keys in batches of the size that the store allows, several batches at once. `deleteBatch` returns the keys
 * that the store did not delete, each with its error. Keys that failed with a retryable error are sent again after a pause, as
 * often as the retry policy allows: a store may fail for single keys of a batch
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html). If a later request fails, the report has the failures
 * of the one before.
 */
export async function deleteInBatches(
  keys: readonly string[],
  { batchSize, batchesAtOnce, retry = defaultRetryPolicy }: BatchPlan,
  signal: AbortSignal | undefined,
  deleteBatch: (batch: readonly string[], signal: AbortSignal) => Promise<DeleteReport['failed']>,
): Promise<DeleteReport> {
  const batches = Array.from({ length: Math.ceil(keys.length / batchSize) }, (_, index) =>
    keys.slice(index * batchSize, (index + 1) * batchSize),
  )
  const failures = await concurrently(batches, batchesAtOnce, signal, async (batch, batchSignal) => {
    let failed = await deleteBatch(batch, batchSignal)
    for (let attempt = 2; attempt <= retry.attempts; attempt += 1) {
      const again = failed.filter(({ error }) => isHoldfastError(error) && error.retryable)
      if (again.length === 0) break
      await pauseBefore(attempt, { what: 'The delete', policy: retry, signal: batchSignal })
      try {
        const left = await deleteBatch(
          again.map(({ key }) => key),
          batchSignal,
        )
        failed = [...failed.filter((each) => !again.includes(each)), ...left]
      } catch (error) {
        if (batchSignal.aborted || !isHoldfastError(error)) throw error
        break
      }
    }
    return failed
  })
  const failed = failures.flat()
  const kept = new Set(failed.map(({ key }) => key))
  return { deleted: keys.filter((key) => !kept.has(key)), failed }
}
