import {
  type CallOptions,
  deleteInBatches,
  type DeleteReport,
  isHoldfastError,
  requestWithRetry,
} from '@holdfast/core/backend'
import { ask, type Bucket, objectUrl } from './bucket.ts'

/**
 * One request for each key, several at once: a batch of the JSON API is the same requests in one envelope. What the
 * store refuses for one key is reported, and the others go on; a store that is out of reach fails the call.
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

/** Deletes the object if it still is the one of this generation. */
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
      // What is not there, or no more of this generation, needs no deleting.
      alsoFine: 'generation' in condition ? [404, 412] : [404],
      signal,
    }),
  )
}
