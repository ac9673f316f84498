import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import {
  foreignAnswer,
  itemsOf,
  type ListOptions,
  type ObjectStat,
  unquotedEtag,
  wholeSeconds,
} from '@holdfast/core/backend'
import { type Bucket, bucketAddress } from './bucket.ts'
import { send } from './send.ts'

/**
 * The largest number of keys of one response: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html.
 */
const pageSize = 1000

/**
 * Lists objects in the order of the UTF-8 bytes of their names:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html.
 */
export function list(
  bucket: Bucket,
  prefix: string,
  { startAfter = '', limit = Infinity, signal }: ListOptions,
): AsyncIterable<ObjectStat> {
  const { names } = bucket
  const asked = { what: `Listing ${names.url}`, signal }
  const input = {
    ...bucketAddress(bucket),
    Prefix: names.root + prefix,
    MaxKeys: Math.min(pageSize, limit),
    StartAfter: startAfter === '' ? undefined : names.root + startAfter,
  }
  return itemsOf(bucket, asked, {
    order: { nameOf: ({ key }: ObjectStat) => key, prefix, after: startAfter },
    async page(from?: string) {
      const command = new ListObjectsV2Command({ ...input, ContinuationToken: from })
      const answer = await send(bucket, asked, { root: 'ListBucketResult' }, command, signal)
      const { Contents = [], IsTruncated, NextContinuationToken: next } = answer
      if (IsTruncated === undefined || (IsTruncated && (next ?? '') === ''))
        throw foreignAnswer(asked, 'it does not state where the list continues')
      const items = Contents.map(({ Key = '', Size = 0, LastModified, ETag }) => {
        if (!Key.startsWith(names.root)) throw foreignAnswer(asked, `${Key} is not below ${names.root}`)
        return {
          key: names.key(Key),
          size: Size,
          modifiedAt: wholeSeconds(LastModified),
          revision: unquotedEtag(ETag),
        }
      })
      return { items, next: IsTruncated ? next : undefined }
    },
  })
}
