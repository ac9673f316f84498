import { HoldfastError } from '../../errors.ts'
import type { BackendCapabilities } from '../backend.ts'
import { CheckedBackend } from '../checked.ts'
import type { OperationsOn } from '../operations.ts'
import type { MinimumProgress } from '../progress.ts'
import type { ObjectNames } from './object-names.ts'
import type { PartLimits } from './parts.ts'
import { quotaOf } from './quota.ts'
import type { RequestContext } from './request-with-retry.ts'

/** What all requests to one object store have in common. An adapter adds its client, and how it is to store. */
export interface ObjectStore extends RequestContext {
  readonly names: ObjectNames
  /** How objects that are too large for one request are cut. */
  readonly parts: PartLimits
  /** How many ranges of one object, of a part's bytes each, are read at once where a connection is slow. */
  readonly rangesAtOnce: number
  /** What an answer must bring while it is waited for. Default: 64 KiB in 60 s. */
  readonly progress?: MinimumProgress | undefined
  /** Whether bytes in shared memory can be sent. By `fetch`, which a client that is given may use, they cannot. */
  readonly sendsSharedMemory: boolean
}

/** The methods of the port over an object store. `ObjectStoreBackend` has the others. */
export interface ObjectStoreOperations<Store extends ObjectStore>
  extends Omit<OperationsOn<Store>, 'place' | 'freeSpace'> {
  /** The URL to which requests go, in full; what it holds of credentials and signatures is left out of the place. */
  endpoint(store: Store): Promise<string>
  close(store: Store): void
}

/** What a caller may plan by, and the budget in bytes that the store is given: none, where it has no end. */
export interface ObjectStoreFacts extends Pick<BackendCapabilities, 'hash' | 'maxObjectBytes'> {
  readonly quota: number | undefined
}

/** Parts that are in memory beside those on their way: one hashed, one read ahead. */
const partsBeside = 2

/** Clients of object stores open only so many connections. That of the AWS SDK opens 50. */
const smallObjectsAtOnce = 48

/** A backend over an object store, which has a quota at most, and no files that a caller could open by path. */
export class ObjectStoreBackend<Store extends ObjectStore> extends CheckedBackend {
  /** Touches nothing. */
  constructor(store: Store, facts: ObjectStoreFacts, operations: ObjectStoreOperations<Store>) {
    const { names, parts, rangesAtOnce } = store
    const quota = quotaOf(facts.quota, (signal) => operations.list(store, '', { signal }))
    super(
      names.url,
      {
        freeSpace: quota === undefined ? 'unbounded' : 'budgeted',
        hash: facts.hash,
        localRoot: undefined,
        maxKeyBytes: names.maxKeyBytes,
        maxObjectBytes: facts.maxObjectBytes,
        maxBufferedBytes: parts.partBytes * Math.max(parts.parallel + partsBeside, rangesAtOnce),
        smallObjectsAtOnce,
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

/** As a user would write it, with the endpoint. */
function placeAt(url: string, endpoint: string): string {
  const { protocol, host, pathname } = new URL(endpoint)
  const place = new URL(url)
  place.searchParams.set('endpoint', `${protocol}//${host}${pathname.replace(/\/+$/, '')}`)
  return place.href
}

export function noSuchObject({ names: { url } }: ObjectStore, key: string): HoldfastError {
  return new HoldfastError('NOT_FOUND', `There is no ${key} in ${url}.`, { key, url })
}
