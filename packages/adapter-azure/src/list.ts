import type { BlobItem } from '@azure/storage-blob'
import {
  compareKeys,
  foreignAnswer,
  itemsOf,
  type ListOptions,
  type ObjectStat,
  unquotedEtag,
  withoutUndefined,
} from '@holdfast/core/backend'
import { type Container, fromStore, isFolder, orForeign } from './container.ts'

/**
 * The largest number of names of one response: https://learn.microsoft.com/en-us/rest/api/storageservices/list-blobs.
 */
const pageSize = 5000

/**
 * Lists objects in key order. The service lists in the order of UTF-16 (blobfile/blobfile, "Fix glob for blobs with
 * unicode characters"). With a hierarchical namespace it lists folder by folder: a folder comes before its neighbour
 * `folder.json` (Azure/azure-sdk-for-go, "NewListBlobsFlatPager documentation seems to be incorrect"). If a name shows
 * that this may differ from the key order, the rest is listed with a request for each folder and sorted here.
 */
export async function* list(
  container: Container,
  prefix: string,
  { startAfter = '', limit = Infinity, signal }: ListOptions,
): AsyncGenerator<ObjectStat> {
  const options = {
    startFrom: container.names.root + orderedAlike(startAfter),
    maxPageSize: startAfter === '' ? Math.min(pageSize, limit) : pageSize,
    byFolder: false,
    signal,
  }
  let last = startAfter
  for await (const { key, blob } of entries(container, prefix, options)) {
    const isBehind = last !== startAfter && compareKeys(key, last) <= 0
    if (blob === undefined || isFolder(blob.metadata) || beyondOrdinary.test(key) || isBehind) {
      yield* listByFolder(container, prefix, last, signal)
      return
    }
    if (compareKeys(key, startAfter) <= 0) continue
    last = key
    yield statOf(key, blob)
  }
}

/** From U+D800 on, the orders of UTF-16 and UTF-8 differ. */
const beyondOrdinary = /[\ud800-\uffff]/

/** Returns a prefix of a key. In every order of the service, names before this prefix are keys before the key. */
function orderedAlike(key: string): string {
  return /^[/-\ud7ff]*/.exec(key)?.[0] ?? ''
}

async function* listByFolder(
  container: Container,
  prefix: string,
  startAfter: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ObjectStat> {
  const sorted = await Array.fromAsync(entries(container, prefix, { byFolder: true, signal }))
  sorted.sort((one, other) => compareKeys(one.key, other.key))
  for (const { key, blob } of sorted) {
    const isAfter = compareKeys(key, startAfter) > 0
    if (blob === undefined) {
      if (isAfter || startAfter.startsWith(key)) yield* listByFolder(container, key, startAfter, signal)
    } else if (isAfter && !isFolder(blob.metadata)) yield statOf(key, blob)
  }
}

interface Entry {
  readonly key: string
  /** `undefined` if the key is a prefix that other keys share up to the next slash. */
  readonly blob?: BlobItem
}

/** The response to both kinds of list. */
interface ListedPage {
  readonly requestId?: string
  readonly containerName?: string
  readonly segment?: {
    readonly blobItems?: readonly BlobItem[]
    readonly blobPrefixes?: readonly { readonly name: string }[]
  }
  readonly continuationToken?: string
}

interface EntryOptions {
  readonly startFrom?: string
  readonly maxPageSize?: number
  readonly byFolder: boolean
  readonly signal: AbortSignal | undefined
}

function entries(
  container: Container,
  prefix: string,
  { startFrom = '', maxPageSize = pageSize, byFolder, signal }: EntryOptions,
): AsyncIterable<Entry> {
  const { client, names } = container
  const options = {
    prefix: names.root + prefix,
    // The metadata identify folders.
    includeMetadata: true,
    ...withoutUndefined({ startFrom: startFrom || undefined, abortSignal: signal }),
  }
  const info = { what: `Listing ${names.url}`, signal }
  return itemsOf(container, info, {
    async page(continuationToken?: string) {
      const settings = { maxPageSize, ...withoutUndefined({ continuationToken }) }
      const pages = byFolder
        ? client.listBlobsByHierarchy('/', options).byPage(settings)
        : client.listBlobsFlat(options).byPage(settings)
      const answer = fromStore(
        info,
        await orForeign(info, async () => (await pages.next()).value as ListedPage),
      )
      const { containerName, segment, continuationToken: next } = answer
      if (containerName === undefined || segment?.blobItems === undefined)
        throw foreignAnswer(info, 'it is not a list of blobs')
      const { blobItems, blobPrefixes = [] } = segment
      const outside = [...blobItems, ...blobPrefixes].find(
        ({ name }) => !name.startsWith(names.root + prefix),
      )
      if (outside !== undefined)
        throw foreignAnswer(info, `${outside.name} is not below ${names.root}${prefix}`)
      const items = [
        ...blobItems.map((blob) => ({ key: names.key(blob.name), blob })),
        ...blobPrefixes.map(({ name }) => ({ key: names.key(name) })),
      ]
      return { items, next }
    },
  })
}

function statOf(key: string, { properties }: BlobItem): ObjectStat {
  return {
    key,
    size: properties.contentLength ?? 0,
    modifiedAt: properties.lastModified,
    revision: unquotedEtag(properties.etag),
  }
}
