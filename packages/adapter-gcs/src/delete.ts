import {
  type CallOptions,
  deleteInBatches,
  type DeleteReport,
  isHoldfastError,
  requestWithRetry,
} from '@holdfast/core/backend'
import { ask, type Bucket, objectUrl } from './bucket.ts'

/**
 * Sends one request for each key, several at once. A batch of the JSON API would count as the same requests:
 * https://cloud.google.com/storage/docs/batch. If the store rejects one key, the report contains the error, and the
 * other keys are deleted. If the store cannot be reached, the call fails.
 */
export async function deleteKeys(
  bucket: Bucket,
  keys: readonly string[],
  { signal }: CallOptions,
): Promise<DeleteReport> {
  const plan = { batchSize: 1, batchesAtOnce: bucket.deletesAtOnce }
  return deleteInBatches(keys, plan, signal, async ([key = ''], keySignal) => {
    try {
      await deleteOne(bucket, key, {}, keySignal)
      return []
    } catch (error) {
      if (!isHoldfastError(error, 'PERMISSION_DENIED', 'INVALID_ARGUMENT')) throw error
      return [{ key, error }]
    }
  })
}

/** Deletes the object if it still has this generation. */
export async function deleteGeneration(bucket: Bucket, key: string, generation: string): Promise<void> {
  await deleteOne(bucket, key, { generation, ifGenerationMatch: generation })
}

async function deleteOne(
  bucket: Bucket,
  key: string,
  condition: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<void> {
  await requestWithRetry(bucket, { what: `Deleting ${key}`, key, signal }, () =>
    ask(bucket, {
      method: 'DELETE',
      url: objectUrl(bucket, key),
      query: condition,
      // The object is absent, or has another generation.
      alsoFine: 'generation' in condition ? [404, 412] : [404],
      signal,
    }),
  )
}
