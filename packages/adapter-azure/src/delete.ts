import { BlobBatch } from '@azure/storage-blob'
import {
  type CallOptions,
  deleteInBatches,
  type DeleteReport,
  requestWithRetry,
} from '@holdfast/core/backend'
import { blobOf, type Container, fromStore, stoppedBy } from './container.ts'
import { isCalled, storeError } from './errors.ts'

/** The largest number of keys of one request: https://learn.microsoft.com/en-us/rest/api/storageservices/blob-batch. */
const batchSize = 256

const batchesAtOnce = 4

/**
 * A blob with snapshots can only be deleted together with them:
 * https://learn.microsoft.com/en-us/rest/api/storageservices/delete-blob.
 */
const withSnapshots = { deleteSnapshots: 'include' } as const

/** Deletes keys in batches. A single key has a request of its own, for which a signature for one blob is sufficient. */
export async function deleteKeys(
  container: Container,
  keys: readonly string[],
  { signal }: CallOptions,
): Promise<DeleteReport> {
  const [only] = keys
  if (only !== undefined && keys.length === 1) {
    await deleteOne(container, only, signal)
    return { deleted: keys, failed: [] }
  }
  return deleteInBatches(
    keys,
    { batchSize, batchesAtOnce, retry: container.retry },
    signal,
    (batch, batchSignal) => deleteBatch(container, batch, batchSignal),
  )
}

async function deleteOne(container: Container, key: string, signal?: AbortSignal): Promise<void> {
  await requestWithRetry(container, { what: `Deleting ${key}`, key, signal }, async () => {
    try {
      await blobOf(container, key).delete({ ...withSnapshots, ...stoppedBy(signal) })
    } catch (error) {
      if (!isCalled(error, 'BlobNotFound')) throw error
    }
  })
}

async function deleteBatch(
  container: Container,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<DeleteReport['failed']> {
  const { client, names } = container
  const what = `Deleting in ${names.url}`
  const info = { what, signal }
  const { subResponses } = await requestWithRetry(container, info, async () => {
    const batch = new BlobBatch()
    for (const key of keys) await batch.deleteBlob(blobOf(container, key), withSnapshots)
    return fromStore(info, await client.getBlobBatchClient().submitBatch(batch, stoppedBy(signal)))
  })
  return keys.flatMap((key, index) => {
    const answer = subResponses[index]
    // The SDK omits a response that it cannot assign to a key.
    const { status = 500, errorCode, statusMessage = 'No answer' } = answer ?? {}
    if (status < 300 || errorCode === 'BlobNotFound') return []
    const cause = Object.assign(new Error(statusMessage), { code: errorCode, statusCode: status })
    return [{ key, error: storeError(cause, { what: `Deleting ${key}`, key }, names.url) }]
  })
}
