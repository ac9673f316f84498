import { itemsOf, type ListOptions, type ObjectStat } from '@holdfast/core/backend'
import type { Bucket } from './bucket.ts'
import { listPage } from './list-page.ts'
import { listUnordered } from './unordered-list.ts'

/**
 * The largest number of keys of one response: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html.
 */
const pageSize = 1000

/** Lists objects in the order of the UTF-8 bytes of their names. */
export function list(bucket: Bucket, prefix: string, options: ListOptions): AsyncIterable<ObjectStat> {
  return bucket.listOrder === 'none'
    ? listUnordered(bucket, prefix, options)
    : listOrdered(bucket, prefix, options)
}

/** Amazon S3 lists in this order: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html. */
function listOrdered(
  bucket: Bucket,
  prefix: string,
  { startAfter = '', limit = Infinity, signal }: ListOptions,
): AsyncIterable<ObjectStat> {
  const { names } = bucket
  const info = { what: `Listing ${names.url}`, signal }
  const input = {
    Prefix: names.root + prefix,
    MaxKeys: Math.min(pageSize, limit),
    StartAfter: startAfter === '' ? undefined : names.root + startAfter,
  }
  return itemsOf(bucket, info, {
    order: {
      nameOf: ({ key }: ObjectStat) => key,
      prefix,
      after: startAfter,
      advice: 'set listOrder to none if this store lists in no order',
    },
    async page(from?: string) {
      const { objects, next } = await listPage(bucket, info, { ...input, ContinuationToken: from })
      return { items: objects, next }
    },
  })
}
