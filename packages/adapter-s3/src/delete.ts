import { DeleteObjectCommand, DeleteObjectsCommand } from '@aws-sdk/client-s3'
import {
  type CallOptions,
  concurrently,
  deleteInBatches,
  type DeleteReport,
  isHoldfastError,
  messageOf,
  type RequestInfo,
  requestWithRetry,
} from '@holdfast/core/backend'
import { addressOf, type Bucket, bucketAddress } from './bucket.ts'
import { concernsLock, isAbsent, isCalled, storeError } from './errors.ts'
import { send } from './send.ts'

/**
 * The largest number of keys of one request: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html.
 */
const batchSize = 1000

const batchesAtOnce = 4

/** How many keys of a batch are deleted at once if each has a request of its own. */
const keysAtOnce = 8

/** The buckets of services that refuse batches. */
const withoutBatches = new WeakSet<Bucket>()

/**
 * Deletes keys in batches. A single key has a request of its own, which every compatible store supports. So does each key of a
 * batch that the store refuses: a batch requires a checksum, and older services know only `Content-MD5`, which the SDK does not
 * send (https://github.com/aws/aws-sdk-js-v3/issues/6819).
 */
export async function deleteKeys(
  bucket: Bucket,
  keys: readonly string[],
  { signal }: CallOptions,
): Promise<DeleteReport> {
  const [only] = keys
  if (only !== undefined && keys.length === 1) {
    await deleteOne(bucket, only, signal)
    return { deleted: keys, failed: [] }
  }
  return deleteInBatches(
    keys,
    { batchSize, batchesAtOnce, retry: bucket.retry },
    signal,
    async (batch, batchSignal) => {
      const failed = withoutBatches.has(bucket) ? undefined : await deleteBatch(bucket, batch, batchSignal)
      return failed ?? deleteEach(bucket, batch, batchSignal)
    },
  )
}

/** Deletes keys with one request each. Returns the keys that the store refuses to delete. */
async function deleteEach(
  bucket: Bucket,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<DeleteReport['failed']> {
  const failed = await concurrently(keys, keysAtOnce, signal, async (key, keySignal) => {
    try {
      await deleteOne(bucket, key, keySignal)
      return []
    } catch (error) {
      if (!isHoldfastError(error, 'PERMISSION_DENIED', 'INVALID_ARGUMENT')) throw error
      return [{ key, error }]
    }
  })
  // If no key was refused, the service refused the batch for what it is.
  if (failed.flat().length === 0) withoutBatches.add(bucket)
  return failed.flat()
}

async function deleteOne(bucket: Bucket, key: string, signal?: AbortSignal): Promise<void> {
  const info = { what: `Deleting ${key}`, key, signal }
  await requestWithRetry(bucket, info, async () => {
    const command = new DeleteObjectCommand(addressOf(bucket, key))
    try {
      await send(bucket, info, 'no body', command, signal)
    } catch (error) {
      if (isAbsent(error)) return
      throw concernsLock(error) ? lockedError(error) : error
    }
  })
}

/**
 * Returns the error for an object that object lock protects. MinIO and other services refuse to delete it. Amazon S3 hides it and
 * keeps its version: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html.
 */
function lockedError(error: unknown): Error {
  return Object.assign(new Error(messageOf(error), { cause: error }), { name: 'ObjectLocked' })
}

/** Returns the keys of a batch that were not deleted; `undefined` if the service refuses the batch as a whole. */
async function deleteBatch(
  bucket: Bucket,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<DeleteReport['failed'] | undefined> {
  const { names } = bucket
  const info = { what: `Deleting in ${names.url}`, signal }
  const input = {
    ...bucketAddress(bucket),
    Delete: { Objects: keys.map((key) => ({ Key: names.object(key) })), Quiet: true },
  }
  const answer = await requestWithRetry(bucket, info, async () => {
    const command = new DeleteObjectsCommand(input)
    try {
      return await send(bucket, info, { root: 'DeleteResult' }, command, signal)
    } catch (error) {
      if (isRefused(bucket, error, info)) return undefined
      throw error
    }
  })
  if (answer === undefined) return undefined
  const { Errors: errors = [] } = answer
  return errors
    .filter(({ Code }) => Code !== 'NoSuchKey')
    .map(({ Key = names.root, Code = 'Error', Message = '' }) => {
      const key = names.key(Key)
      const failure = Object.assign(new Error(Message), { name: Code })
      const cause = concernsLock(failure) ? lockedError(failure) : failure
      return { key, error: storeError(cause, { what: `Deleting ${key}`, key }, names.url) }
    })
}

/** Returns whether a service does not accept a batch. Some respond with the status 400 and no body. */
function isRefused(bucket: Bucket, error: unknown, info: RequestInfo): boolean {
  return (
    isCalled(error, 'NoReason') ||
    isHoldfastError(bucket.errorOf(error, info), 'INVALID_ARGUMENT', 'UNSUPPORTED')
  )
}
