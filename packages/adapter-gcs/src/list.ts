import { type ListOptions, type ObjectStat, request } from '@holdfast/core'
import { ask, type Bucket, objectFields, objectsUrl, parseObject, statOf } from './bucket.ts'
import { fieldOf } from './send.ts'

/** Objects of one answer (Cloud Storage JSON API, "Objects: list"). */
const pageSize = 1000

/** Page after page, in the order of the bytes of the names in UTF-8. */
export async function* list(
  bucket: Bucket,
  prefix: string,
  { startAfter = '', limit = Infinity, signal }: ListOptions,
): AsyncGenerator<ObjectStat> {
  const { names } = bucket
  // The store lists from a name on, and that name, too.
  const startOffset = startAfter === '' ? undefined : names.root + startAfter
  const maxResults = Math.min(pageSize, startOffset === undefined ? limit : limit + 1)
  let pageToken: string | undefined
  do {
    const page = await request(bucket, { what: `Listing ${names.url}`, signal }, async () => {
      const { data } = await ask(bucket, {
        method: 'GET',
        url: objectsUrl(bucket),
        query: {
          prefix: names.root + prefix,
          startOffset,
          maxResults,
          pageToken,
          fields: `items(${objectFields}),nextPageToken`,
        },
        signal,
      })
      const items = fieldOf(data, 'items')
      const next = fieldOf(data, 'nextPageToken')
      return {
        objects: Array.isArray(items) ? items.map(parseObject) : [],
        next: typeof next === 'string' && next !== '' ? next : undefined,
      }
    })
    for (const object of page.objects) if (object.name !== startOffset) yield statOf(bucket, object)
    pageToken = page.next
  } while (pageToken !== undefined)
}
