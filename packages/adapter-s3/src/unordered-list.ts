import {
  compareKeys,
  foreignAnswer,
  itemsOf,
  type ListOptions,
  type ObjectStat,
  requestWithRetry,
} from '@holdfast/core/backend'
import type { Bucket } from './bucket.ts'
import { type ListedPage, listPage } from './list-page.ts'

/**
 * Lists objects of a store that lists in no order, sorted by key. A folder whose objects fit on one page costs one request. A
 * larger folder is listed with a delimiter, and then each folder in it. So the memory holds the direct contents of one folder
 * on each level, about 300 bytes each, and folders outside of the requested range cost nothing.
 *
 * A list of one page shows one moment. A list of several pages may miss an object that is created meanwhile, and also the one
 * before it, if that is deleted meanwhile. An old version of the catalog could then look like the newest one. So if the folder of
 * the call has several pages, it is listed twice, and the second list has the object that the first one missed. Both lists would
 * have to miss such an object for the newest version to be missing.
 *
 * A prefix that is sent ends in `/`, because directory buckets take no other.
 */
export async function* listUnordered(
  bucket: Bucket,
  prefix: string,
  { startAfter = '', signal }: ListOptions,
): AsyncGenerator<ObjectStat> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  yield* listFolder(bucket, folder, { prefix, startAfter, signal }, 2)
}

interface Wanted {
  readonly prefix: string
  readonly startAfter: string
  readonly signal: AbortSignal | undefined
}

/** `times` is how often a folder of several pages is listed. */
async function* listFolder(
  bucket: Bucket,
  folder: string,
  wanted: Wanted,
  times = 1,
): AsyncGenerator<ObjectStat> {
  const info = { what: `Listing ${bucket.names.url}`, signal: wanted.signal }
  const first = await requestWithRetry(bucket, info, () => pageOf(bucket, folder, wanted, {}))
  if (first.next === undefined) {
    yield* first.objects.filter(({ key }) => isWanted(key, wanted)).sort(byKey)
    return
  }
  // Some services name a folder on each page that has a part of it.
  const entries = new Map<string, Entry>()
  for (let time = 0; time < times; time += 1)
    for await (const entry of entriesOf(bucket, folder, wanted)) entries.set(entry.key, entry)
  for (const entry of [...entries.values()].sort(byKey)) {
    if ('size' in entry) yield entry
    else yield* listFolder(bucket, entry.key, wanted)
  }
}

/** An object, or a folder in which there are wanted keys. The key of a folder ends in `/`. */
type Entry = ObjectStat | { readonly key: string }

/** Lists the direct contents of a folder, in no order. */
function entriesOf(bucket: Bucket, folder: string, wanted: Wanted): AsyncIterable<Entry> {
  const info = { what: `Listing ${bucket.names.url}`, signal: wanted.signal }
  return itemsOf<Entry, string>(bucket, info, {
    async page(from) {
      const { objects, folders, next } = await pageOf(bucket, folder, wanted, {
        Delimiter: '/',
        ContinuationToken: from,
      })
      const items = [
        ...objects.filter(({ key }) => isWanted(key, wanted)),
        ...folders.filter((key) => mayHaveWanted(key, wanted)).map((key) => ({ key })),
      ]
      return { items, next }
    },
  })
}

async function pageOf(
  bucket: Bucket,
  folder: string,
  { signal }: Wanted,
  more: { readonly Delimiter?: string; readonly ContinuationToken?: string | undefined },
): Promise<ListedPage> {
  const info = { what: `Listing ${bucket.names.url}`, signal }
  const name = bucket.names.root + folder
  const page = await listPage(bucket, info, { Prefix: name === '' ? undefined : name, ...more })
  const outside = [...page.objects.map(({ key }) => key), ...page.folders].find(
    (key) => !key.startsWith(folder),
  )
  if (outside !== undefined) throw foreignAnswer(info, `${outside} is not below ${folder}`)
  if (page.folders.includes(folder)) throw foreignAnswer(info, `it lists the folder ${name} below itself`)
  return page
}

function isWanted(key: string, { prefix, startAfter }: Wanted): boolean {
  return key.startsWith(prefix) && compareKeys(key, startAfter) > 0
}

function mayHaveWanted(folder: string, { prefix, startAfter }: Wanted): boolean {
  return folder.startsWith(prefix) && (compareKeys(folder, startAfter) > 0 || startAfter.startsWith(folder))
}

/** All keys of a folder come where the folder comes, since they begin with it. */
function byKey(one: { readonly key: string }, other: { readonly key: string }): number {
  return compareKeys(one.key, other.key)
}
