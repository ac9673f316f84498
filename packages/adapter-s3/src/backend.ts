import {
  ObjectNames,
  ObjectStoreBackend,
  onlyOneOf,
  parseSize,
  requestLimitsOf,
  Secrets,
} from '@holdfast/core/backend'
import { DirectTransfers, unpooledAgentsOf } from '@holdfast/core/connections'
import type { Bucket } from './bucket.ts'
import { createClient, rememberSecrets } from './client.ts'
import { commit } from './commit.ts'
import { deleteKeys } from './delete.ts'
import { isDirectoryBucket, refuseForDirectory } from './directory-bucket.ts'
import { endpoint } from './endpoint.ts'
import { mayHaveHappened, storeError } from './errors.ts'
import { hash } from './hash.ts'
import { setHold } from './hold.ts'
import { list } from './list.ts'
import { maxPartBytes } from './multipart.ts'
import { checksumOf, defaultParallel, maxPartsOf, partBytesOf, type S3Options } from './options.ts'
import { put } from './put.ts'
import { read, stat } from './read.ts'
import { knownBuckets } from './server-copy.ts'
import { sweep } from './sweep.ts'
import { refuseWithoutConditions } from './without-conditions.ts'

/** The longest name of an object in bytes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html. */
const maxNameBytes = 1024

/** Stores objects in a bucket of Amazon S3 or of a compatible store, below one root. */
export class S3Backend extends ObjectStoreBackend<Bucket> {
  /** `path` is the root inside the bucket. Throws `CONFIG` for invalid options. Sends no request. */
  constructor(bucketName: string, path = '', options: S3Options = {}) {
    const bucket = bucketOf(bucketName, path, options)
    const { quota } = options
    super(
      bucket,
      {
        hash: bucket.checksum === 'none' ? 'computed' : 'store',
        maxObjectBytes: maxPartsOf(options) * maxPartBytes,
        resumesPuts: true,
        reusesObjects: bucket.checksum === 'none' ? undefined : 'copies',
        holdsObjects: options.legalHolds,
        quota: quota === undefined ? undefined : parseSize(quota),
      },
      {
        endpoint,
        put,
        commit,
        read,
        stat,
        list,
        delete: deleteKeys,
        hash,
        setHold,
        sweep,
        close({ client, unpooled, direct, forgetSecrets }) {
          forgetSecrets()
          direct?.destroy()
          if (options.client !== undefined) return
          client.destroy()
          unpooled.client.destroy()
        },
      },
    )
    knownBuckets.add(this, bucket)
  }
}

function bucketOf(name: string, path: string, options: S3Options): Bucket {
  const isDirectory = isDirectoryBucket(name)
  if (isDirectory) refuseForDirectory(name, options)
  if (options.endpoint !== undefined) refuseWithoutConditions(options.endpoint)
  const names = new ObjectNames(`s3://${name}`, path, maxNameBytes)
  const { parallel = defaultParallel, requesterPays = false } = options
  onlyOneOf(options, ['client', 'profile'])
  onlyOneOf(options, ['client', 'credentials'])
  const limits = requestLimitsOf(options)
  const client = options.client ?? createClient(options)
  const unpooled = options.client ?? createClient(options, unpooledAgentsOf(process.env))
  const direct = options.client === undefined ? new DirectTransfers(process.env, options.threads) : undefined
  const endsSilence = options.client === undefined
  const secrets = new Secrets()
  const forget = [...new Set([client, unpooled])].map((each) => rememberSecrets(each, secrets))
  return {
    client,
    unpooled: { client: unpooled, progress: limits.progress, endsSilence },
    endsSilence,
    direct,
    threads: direct?.threads,
    forgetSecrets() {
      for (const forgetOne of forget) forgetOne()
    },
    name,
    isDirectory,
    listOrder: options.listOrder ?? (isDirectory ? 'none' : 'key'),
    names,
    parts: {
      partBytes: partBytesOf(options),
      parallel,
      maxParts: maxPartsOf(options),
      maxPartBytes,
      sizeOption: 'partSize',
    },
    rangesAtOnce: parallel,
    sendsSharedMemory: options.client === undefined,
    checksum: checksumOf(options),
    storageClass: options.storageClass,
    encryption: options.encryption,
    kmsKeyId: options.kmsKeyId,
    requesterPays,
    ...limits,
    onRetry: options.onRetry,
    mayHaveHappened,
    errorOf: (error, info) => storeError(error, info, names.url, secrets),
  }
}
