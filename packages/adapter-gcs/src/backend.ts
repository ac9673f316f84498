import { CheckedBackend, ObjectNames, parseSize, quotaOf } from '@holdfast/core'
import type { Bucket } from './bucket.ts'
import { createClient, requesterOf } from './client.ts'
import { commit } from './commit.ts'
import { deleteKeys } from './delete.ts'
import { storeError } from './errors.ts'
import { hash } from './hash.ts'
import { list } from './list.ts'
import { chunkBytesOf, defaultParallel, type GcsOptions } from './options.ts'
import { chunksHeld, put } from './put.ts'
import { read, stat } from './read.ts'
import { sweep } from './sweep.ts'

/** Bytes of the largest object, and of its longest name (Cloud Storage documentation, "Quotas and limits"). */
const maxObjectBytes = 5 * 2 ** 40
const maxNameBytes = 1024

/** Chunks that are in memory beside those held: one read ahead, one being filled. */
const chunksBeside = 2

/** Keeps objects in a bucket of Google Cloud Storage, below one root. */
export class GcsBackend extends CheckedBackend {
  /** `path` is the root inside the bucket. Throws `CONFIG` for options that cannot be. Touches nothing. */
  constructor(bucketName: string, path = '', options: GcsOptions = {}) {
    const names = new ObjectNames(`gs://${bucketName}`, path, maxNameBytes)
    const chunkBytes = chunkBytesOf(options)
    const parallel = options.parallel ?? defaultParallel
    const client = options.client ?? createClient(options)
    const bucket: Bucket = {
      requester: requesterOf(client),
      endpoint: client.apiEndpoint,
      name: bucketName,
      names,
      storageClass: options.storageClass,
      kmsKeyName: options.kmsKeyName,
      userProject: options.userProject,
      retry: options.retry,
      onRetry: options.onRetry,
      errorOf: (error, asked) => storeError(error, asked, names.url),
    }
    const quota = quotaOf(options.quota === undefined ? undefined : parseSize(options.quota), (signal) =>
      list(bucket, '', { signal }),
    )
    super(
      names.url,
      {
        freeSpace: quota === undefined ? 'unbounded' : 'budgeted',
        hash: 'store',
        localRoot: undefined,
        maxKeyBytes: names.maxKeyBytes,
        maxObjectBytes,
        maxBufferedBytes: chunkBytes * (chunksHeld + chunksBeside),
      },
      {
        async put(key, source, putOptions = {}) {
          const result = await put(bucket, chunkBytes, key, source, putOptions)
          quota?.stored(result.size)
          return result
        },
        commit: (key, bytes, { signal } = {}) => commit(bucket, key, bytes, signal),
        read: (key, readOptions = {}) => read(bucket, key, readOptions),
        stat: (key, { signal } = {}) => stat(bucket, key, signal),
        list: (prefix, listOptions = {}) => list(bucket, prefix, listOptions),
        async delete(keys, { signal } = {}) {
          const report = await deleteKeys(bucket, keys, parallel, signal)
          quota?.deleted()
          return report
        },
        hash: (key, { signal } = {}) => hash(bucket, key, signal),
        freeSpace: async ({ signal } = {}) => quota?.freeSpace(signal) ?? { kind: 'unbounded' },
        sweep,
        close: async () => undefined,
        errorOf: (error, what, key) => storeError(error, { what, key }, names.url),
      },
    )
  }
}
