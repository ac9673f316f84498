import { CheckedBackend, HoldfastError, ObjectNames, parseSize, quotaOf } from '@holdfast/core'
import type { Bucket } from './bucket.ts'
import { createClient } from './client.ts'
import { commit } from './commit.ts'
import { deleteKeys } from './delete.ts'
import { storeError } from './errors.ts'
import { hash } from './hash.ts'
import { list } from './list.ts'
import { maxParts } from './multipart.ts'
import { defaultParallel, partBytesOf, type S3Options } from './options.ts'
import { put } from './put.ts'
import { read, stat } from './read.ts'
import { sweep } from './sweep.ts'

/** Bytes of the largest part (S3 User Guide, "Amazon S3 multipart upload limits"). */
const maxPartBytes = 5 * 2 ** 30

/** Bytes of the longest name of an object (S3 User Guide, "Naming Amazon S3 objects"). */
const maxNameBytes = 1024

/** Parts that are in memory beside those on their way: one hashed, one read ahead. */
const partsBeside = 2

/** Keeps objects in a bucket of Amazon S3, or of a store that speaks its language, below one root. */
export class S3Backend extends CheckedBackend {
  /** `path` is the root inside the bucket. Throws `CONFIG` for options that cannot be. Touches nothing. */
  constructor(bucketName: string, path = '', options: S3Options = {}) {
    const names = namesIn(bucketName, path)
    const plan = { partBytes: partBytesOf(options), parallel: options.parallel ?? defaultParallel }
    const bucket: Bucket = {
      client: options.client ?? createClient(options),
      name: bucketName,
      names,
      checksum: options.checksum ?? 'crc32',
      storageClass: options.storageClass,
      encryption: options.encryption,
      kmsKeyId: options.kmsKeyId,
      requesterPays: options.requesterPays ?? false,
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
        hash: bucket.checksum === 'none' ? 'computed' : 'store',
        localRoot: undefined,
        maxKeyBytes: names.maxKeyBytes,
        maxObjectBytes: maxParts * maxPartBytes,
        maxBufferedBytes: plan.partBytes * (plan.parallel + partsBeside),
      },
      {
        async put(key, source, putOptions = {}) {
          const result = await put(bucket, plan, key, source, putOptions)
          quota?.stored(result.size)
          return result
        },
        commit: (key, bytes, { signal } = {}) => commit(bucket, key, bytes, signal),
        read: (key, readOptions = {}) => read(bucket, key, readOptions),
        stat: (key, { signal } = {}) => stat(bucket, key, signal),
        list: (prefix, listOptions = {}) => list(bucket, prefix, listOptions),
        async delete(keys, { signal } = {}) {
          const report = await deleteKeys(bucket, keys, signal)
          quota?.deleted()
          return report
        },
        hash: (key, { signal } = {}) => hash(bucket, key, signal),
        freeSpace: async ({ signal } = {}) => quota?.freeSpace(signal) ?? { kind: 'unbounded' },
        sweep: (sweepOptions) => sweep(bucket, sweepOptions),
        async close() {
          if (options.client === undefined) bucket.client.destroy()
        },
        errorOf: (error, what, key) => storeError(error, { what, key }, names.url),
      },
    )
  }
}

function namesIn(bucketName: string, path: string): ObjectNames {
  if (bucketName.endsWith('--x-s3')) {
    throw new HoldfastError(
      'UNSUPPORTED',
      `${bucketName} is a directory bucket (S3 Express One Zone), which does not list in the order of names. Use a general purpose bucket.`,
    )
  }
  return new ObjectNames(`s3://${bucketName}`, path, maxNameBytes)
}
