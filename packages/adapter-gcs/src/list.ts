import { fieldOf, itemsOf, type ListOptions, type ObjectStat, request, textOf } from '@holdfast/core'
import { ask, type Bucket, objectFields, objectsUrl, parseObject, statOf } from './bucket.ts'

/** Objects of one answer (Cloud Storage JSON API, "Objects: list"). */
const pageSize = 1000

/** In the order of the bytes of the names in UTF-8. */
export function list(
  bucket: Bucket,
  prefix: string,
  { startAfter = '', limit = Infinity, signal }: ListOptions,
): AsyncIterable<ObjectStat> {
  const { names } = bucket
  // The store lists from a name on, and that name, too.
  const startOffset = startAfter === '' ? undefined : names.root + startAfter
  const query = {
    prefix: names.root + prefix,
    startOffset,
    maxResults: Math.min(pageSize, startOffset === undefined ? limit : limit + 1),
    fields: `items(${objectFields}),nextPageToken`,
  }
  return itemsOf((pageToken?: string) =>
    request(bucket, { what: `Listing ${names.url}`, signal }, async () => {
      const { data } = await ask(bucket, {
        method: 'GET',
        url: objectsUrl(bucket),
        query: { ...query, pageToken },
        signal,
      })
      const items = fieldOf(data, 'items')
      const objects = Array.isArray(items) ? items.map(parseObject) : []
      return {
        items: objects.filter(({ name }) => name !== startOffset).map((object) => statOf(bucket, object)),
        next: textOf(data, 'nextPageToken'),
      }
    }),
  )
}
