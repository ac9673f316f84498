import { HoldfastError } from '../../errors.ts'
import type { BackendCapabilities } from '../backend.ts'
import { CheckedBackend } from '../checked.ts'
import type { OperationsOn } from '../operations.ts'
import type { MinimumProgress } from '../progress.ts'
import type { ObjectNames } from './object-names.ts'
import type { PartLimits } from './parts.ts'
import { quotaOf } from './quota.ts'
import type { RequestContext } from './request-with-retry.ts'

/** The settings that all requests to one object store share. An adapter adds its client and its own settings. */
export interface ObjectStore extends RequestContext {
  readonly names: ObjectNames
  /** Returns whether the store may have executed a request although it failed. */
  readonly mayHaveHappened: (error: unknown) => boolean
  /** The limits by which large objects are cut into parts. */
  readonly parts: PartLimits
  /** How many ranges of one object are read at once if a connection is slow. A range is as large as a part. */
  readonly rangesAtOnce: number
  /** How many threads receive the ranges of large objects. Default: 1, the thread of the caller. */
  readonly threads?: number | undefined
  /** The slowest response that is accepted. Default: 64 KiB in 60 s. */
  readonly progress?: MinimumProgress | undefined
  /** Whether the client can send bytes in shared memory. A ready-made client may use `fetch`, which cannot. */
  readonly sendsSharedMemory: boolean
}

/** The methods of the port that an adapter implements. `ObjectStoreBackend` implements the others. */
export interface ObjectStoreOperations<Store extends ObjectStore>
  extends Omit<OperationsOn<Store>, 'place' | 'freeSpace'> {
  /** The full URL to which requests go. Credentials and signatures in it do not become part of the place. */
  endpoint(store: Store): Promise<string>
  close(store: Store): void
}

/** Capabilities that the adapter states, and the quota in bytes; `undefined` for no quota. */
export interface ObjectStoreFacts
  extends Pick<
    BackendCapabilities,
    'hash' | 'maxObjectBytes' | 'resumesPuts' | 'reusesObjects' | 'holdsObjects'
  > {
  readonly quota: number | undefined
}

/** Parts in memory beside those in flight: one is hashed, and one is read ahead. */
const partsBeside = 2

/**
 * Clients limit their connections. The client of the AWS SDK opens at most 50:
 * https://docs.aws.amazon.com/sdk-for-javascript/v3/developer-guide/node-configuring-maxsockets.html.
 */
const smallObjectsAtOnce = 48

/** A backend on an object store. It may have a quota, and has no local files. */
export class ObjectStoreBackend<Store extends ObjectStore> extends CheckedBackend {
  /** Sends no request. */
  constructor(store: Store, facts: ObjectStoreFacts, operations: ObjectStoreOperations<Store>) {
    const { names, parts } = store
    const { setHold } = operations
    const quota = quotaOf(facts.quota, (signal) => operations.list(store, '', { signal }))
    super(
      names.url,
      {
        freeSpace: quota === undefined ? 'unbounded' : 'budgeted',
        hash: facts.hash,
        localRoot: undefined,
        maxKeyBytes: names.maxKeyBytes,
        maxObjectBytes: facts.maxObjectBytes,
        maxBufferedBytes: parts.partBytes * Math.max(parts.parallel + partsBeside, rangesAtOnceOf(store)),
        smallObjectsAtOnce,
        requestPerObject: true,
        resumesPuts: facts.resumesPuts,
        reusesObjects: facts.reusesObjects,
        holdsObjects: facts.holdsObjects,
      },
      {
        place: async () => placeAt(names.url, await operations.endpoint(store)),
        async put(key, source, options) {
          const result = await operations.put(store, key, source, options)
          quota?.stored(result.size)
          return result
        },
        commit: (key, bytes, options) => operations.commit(store, key, bytes, options),
        read: (key, options) => operations.read(store, key, options),
        stat: (key, options) => operations.stat(store, key, options),
        list: (prefix, options) => operations.list(store, prefix, options),
        async delete(keys, options) {
          const report = await operations.delete(store, keys, options)
          quota?.deleted()
          return report
        },
        hash: (key, options) => operations.hash(store, key, options),
        ...(setHold === undefined ? {} : { setHold: (keys, options) => setHold(store, keys, options) }),
        freeSpace: async ({ signal }) => quota?.freeSpace(signal) ?? { kind: 'unbounded' },
        sweep: (options) => operations.sweep(store, options),
        async close() {
          operations.close(store)
        },
        errorOf: (error, what, key) => store.errorOf(error, { what, key }),
      },
    )
  }
}

/** Returns how many ranges of one object are in flight or in memory at once: while one is yielded, each thread has one. */
export function rangesAtOnceOf({ rangesAtOnce, threads = 1 }: ObjectStore): number {
  return threads === 1 ? rangesAtOnce : Math.max(rangesAtOnce, threads + 1)
}

/** Returns the URL as a user would write it, with the endpoint as a parameter. */
function placeAt(url: string, endpoint: string): string {
  const { protocol, host, pathname } = new URL(endpoint)
  const place = new URL(url)
  place.searchParams.set('endpoint', `${protocol}//${host}${pathname.replace(/\/+$/, '')}`)
  return place.href
}

/** Returns the error of an object that does not exist. */
export function noSuchObject({ names: { url } }: ObjectStore, key: string): HoldfastError {
  return new HoldfastError('NOT_FOUND', `There is no ${key} in ${url}.`, { key, url })
}
