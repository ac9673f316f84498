import type { BlobItem } from '@azure/storage-blob'
import { compareKeys, type ListOptions, type ObjectStat, request } from '@holdfast/core'
import { type Container, isFolder, revisionOf, stoppedBy } from './container.ts'

/** Names of one answer (Blob service REST API, "List Blobs"). */
const pageSize = 5000

/**
 * Page after page. The service lists in the order of UTF-16 (blobfile/blobfile, "Fix glob for blobs with unicode
 * characters"), and with a hierarchical namespace folder by folder: a folder stands before its neighbour `folder.json`
 * (Azure/azure-sdk-for-go, "NewListBlobsFlatPager documentation seems to be incorrect"). Where a name shows that this may differ from the order of keys,
 * the rest is listed with a request for each folder and sorted there.
 */
export async function* list(
  container: Container,
  prefix: string,
  { startAfter = '', limit = Infinity, signal }: ListOptions,
): AsyncGenerator<ObjectStat> {
  const { names } = container
  const startFrom = names.root + orderedAlike(startAfter)
  const maxPageSize = startAfter === '' ? Math.min(pageSize, limit) : pageSize
  let last = startAfter
  for await (const { blobs } of pages(container, prefix, {
    startFrom,
    maxPageSize,
    byFolder: false,
    signal,
  })) {
    for (const blob of blobs) {
      const key = names.key(blob.name)
      if (isFolder(blob.metadata) || beyondOrdinary.test(key)) {
        yield* listByFolder(container, prefix, last, signal)
        return
      }
      if (compareKeys(key, startAfter) <= 0) continue
      last = key
      yield statOf(key, blob)
    }
  }
}

/** From U+D800 on the order of UTF-16 is not that of UTF-8. */
const beyondOrdinary = /[\ud800-\uffff]/

/** The beginning of a key before which every order of the service has only keys that come before the key itself. */
function orderedAlike(key: string): string {
  return /^[/-\ud7ff]*/.exec(key)?.[0] ?? ''
}

async function* listByFolder(
  container: Container,
  prefix: string,
  startAfter: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ObjectStat> {
  const { names } = container
  const entries: { readonly key: string; readonly stat?: ObjectStat }[] = []
  for await (const { blobs, folders } of pages(container, prefix, { byFolder: true, signal })) {
    for (const folder of folders) entries.push({ key: names.key(folder) })
    for (const blob of blobs) {
      const key = names.key(blob.name)
      if (!isFolder(blob.metadata)) entries.push({ key, stat: statOf(key, blob) })
    }
  }
  entries.sort((one, other) => compareKeys(one.key, other.key))
  for (const { key, stat } of entries) {
    const isAfter = compareKeys(key, startAfter) > 0
    if (stat === undefined) {
      if (isAfter || startAfter.startsWith(key)) yield* listByFolder(container, key, startAfter, signal)
    } else if (isAfter) yield stat
  }
}

interface Page {
  readonly blobs: readonly BlobItem[]
  /** What names have in common up to the next slash, if it was asked for by folder. */
  readonly folders: readonly string[]
}

/** Of either kind of list. */
interface ListedPage {
  readonly segment: {
    readonly blobItems: readonly BlobItem[]
    readonly blobPrefixes?: readonly { readonly name: string }[]
  }
  readonly continuationToken?: string
}

async function* pages(
  { client, names, ...container }: Container,
  prefix: string,
  {
    startFrom = '',
    maxPageSize = pageSize,
    byFolder,
    signal,
  }: {
    readonly startFrom?: string
    readonly maxPageSize?: number
    readonly byFolder: boolean
    readonly signal: AbortSignal | undefined
  },
): AsyncGenerator<Page> {
  const options = {
    prefix: names.root + prefix,
    // Folders are told by it.
    includeMetadata: true,
    ...(startFrom === '' ? {} : { startFrom }),
    ...stoppedBy(signal),
  }
  let continuationToken: string | undefined
  do {
    const settings = { maxPageSize, ...(continuationToken === undefined ? {} : { continuationToken }) }
    const page = await request(container, { what: `Listing ${names.url}`, signal }, async () => {
      const listing = byFolder
        ? client.listBlobsByHierarchy('/', options).byPage(settings)
        : client.listBlobsFlat(options).byPage(settings)
      const listed = await listing.next()
      return listed.value as ListedPage
    })
    const { blobItems, blobPrefixes = [] } = page.segment
    yield { blobs: blobItems, folders: blobPrefixes.map(({ name }) => name) }
    continuationToken = page.continuationToken
  } while (continuationToken !== undefined && continuationToken !== '')
}

function statOf(key: string, { properties }: BlobItem): ObjectStat {
  return {
    key,
    size: properties.contentLength ?? 0,
    modifiedAt: properties.lastModified,
    revision: revisionOf(properties.etag),
  }
}
