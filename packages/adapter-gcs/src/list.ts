import {
  fieldOf,
  foreignAnswer,
  itemsOf,
  type ListOptions,
  type ObjectStat,
  stringFieldOf,
} from '@holdfast/core/backend'
import { ask, type Bucket, type GcsObject, objectFields, objectsUrl, parseObject, statOf } from './bucket.ts'

/** The largest number of objects of one response: https://cloud.google.com/storage/docs/json_api/v1/objects/list. */
const pageSize = 1000

/**
 * Lists objects in the order of the UTF-8 bytes of their names:
 * https://cloud.google.com/storage/docs/json_api/v1/objects/list.
 */
export function list(
  bucket: Bucket,
  prefix: string,
  { startAfter = '', limit = Infinity, signal }: ListOptions,
): AsyncIterable<ObjectStat> {
  const { names } = bucket
  // The list of the store includes the name that it starts from.
  const startOffset = startAfter === '' ? undefined : names.root + startAfter
  const query = {
    prefix: names.root + prefix,
    startOffset,
    maxResults: Math.min(pageSize, startOffset === undefined ? limit : limit + 1),
    fields: `kind,items(${objectFields}),nextPageToken`,
  }
  const info = { what: `Listing ${names.url}`, signal }
  return itemsOf(bucket, info, {
    order: { nameOf: ({ key }: ObjectStat) => key, prefix, after: startAfter },
    async page(pageToken?: string) {
      const { data } = await ask(bucket, {
        method: 'GET',
        url: objectsUrl(bucket),
        query: { ...query, pageToken },
        signal,
      })
      const items = fieldOf(data, 'items') ?? []
      if (fieldOf(data, 'kind') !== 'storage#objects' || !Array.isArray(items))
        throw foreignAnswer(info, 'it is not a list of objects')
      const objects: readonly GcsObject[] = items.map(parseObject)
      const outside = objects.find(({ name }) => !name.startsWith(names.root))
      if (outside !== undefined) throw foreignAnswer(info, `${outside.name} is not below ${names.root}`)
      return {
        items: objects.filter(({ name }) => name !== startOffset).map((object) => statOf(bucket, object)),
        next: stringFieldOf(data, 'nextPageToken'),
      }
    },
  })
}
