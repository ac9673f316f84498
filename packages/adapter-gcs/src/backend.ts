import {
  ObjectNames,
  ObjectStoreBackend,
  onlyOneOf,
  parseSize,
  requestLimitsOf,
  Secrets,
} from '@holdfast/core/backend'
import { agentsOf, DirectTransfers, unpooledAgentsOf } from '@holdfast/core/connections'
import type { Bucket } from './bucket.ts'
import { createClient, requesterOf } from './client.ts'
import { commit } from './commit.ts'
import { secretsIn } from './credentials.ts'
import { deleteKeys } from './delete.ts'
import { mayHaveHappened, storeError } from './errors.ts'
import { hash } from './hash.ts'
import { list } from './list.ts'
import { Logins } from './logins.ts'
import { chunkBytesOf, defaultParallel, type GcsOptions } from './options.ts'
import { put } from './put.ts'
import { read, stat } from './read.ts'
import { knownBuckets } from './server-copy.ts'
import { sweep } from './sweep.ts'

/** The largest object and the longest name in bytes: https://cloud.google.com/storage/quotas. */
const maxObjectBytes = 5 * 2 ** 40
const maxNameBytes = 1024

/** How many chunks of one object are read at once. */
const rangesAtOnce = 4

/** Stores objects in a bucket of Google Cloud Storage, below one root. */
export class GcsBackend extends ObjectStoreBackend<Bucket> {
  /** `path` is the root inside the bucket. Throws `CONFIG` for invalid options. Sends no request. */
  constructor(bucketName: string, path = '', options: GcsOptions = {}) {
    const bucket = bucketOf(bucketName, path, options)
    const { quota } = options
    super(
      bucket,
      {
        hash: 'store',
        maxObjectBytes,
        resumesPuts: true,
        reusesObjects: 'copies',
        quota: quota === undefined ? undefined : parseSize(quota),
      },
      {
        endpoint: async ({ endpoint }) => endpoint,
        put,
        commit,
        read,
        stat,
        list,
        delete: deleteKeys,
        hash,
        sweep,
        close({ closeConnections }) {
          closeConnections()
        },
      },
    )
    knownBuckets.add(this, bucket)
  }
}

function bucketOf(name: string, path: string, options: GcsOptions): Bucket {
  const names = new ObjectNames(`gs://${name}`, path, maxNameBytes)
  onlyOneOf(options, ['client', 'credentials', 'keyFilename', 'anonymous'])
  const limits = requestLimitsOf(options)
  const client = options.client ?? createClient(options)
  const secrets = new Secrets()
  // A ready-made client has its own agents.
  const pooled = options.client === undefined ? agentsOf(process.env) : undefined
  const unpooled = options.client === undefined ? unpooledAgentsOf(process.env) : undefined
  const direct = options.client === undefined ? new DirectTransfers(process.env, options.threads) : undefined
  const logins = options.client === undefined ? new Logins(client.authClient) : undefined
  for (const secret of secretsIn(options)) secrets.add(secret)
  return {
    requester: requesterOf(client, secrets, { pooled, unpooled, direct }, logins),
    closeConnections() {
      pooled?.destroy()
      unpooled?.destroy()
      direct?.destroy()
    },
    endpoint: client.apiEndpoint,
    name,
    names,
    // A resumable upload takes the bytes in order, in any number of chunks: https://cloud.google.com/storage/docs/resumable-uploads.
    parts: { partBytes: chunkBytesOf(options), parallel: 1, maxParts: Infinity, sizeOption: 'chunkSize' },
    rangesAtOnce,
    threads: direct?.threads,
    sendsSharedMemory: true,
    deletesAtOnce: options.parallel ?? defaultParallel,
    storageClass: options.storageClass,
    kmsKeyName: options.kmsKeyName,
    userProject: options.userProject,
    ...limits,
    onRetry: options.onRetry,
    mayHaveHappened,
    errorOf: (error, info) => storeError(error, info, names.url, secrets),
  }
}
