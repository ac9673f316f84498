import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import { itemsOf, type ListOptions, type ObjectStat, request, unquoted, wholeSeconds } from '@holdfast/core'
import { type Bucket, bucketAddress, stoppedBy } from './bucket.ts'

/** Keys of one answer (Amazon S3 API Reference, ListObjectsV2). */
const pageSize = 1000

/** In the order of the bytes of the names in UTF-8. */
export function list(
  bucket: Bucket,
  prefix: string,
  { startAfter = '', limit = Infinity, signal }: ListOptions,
): AsyncIterable<ObjectStat> {
  const { client, names } = bucket
  const asked = {
    ...bucketAddress(bucket),
    Prefix: names.root + prefix,
    MaxKeys: Math.min(pageSize, limit),
    StartAfter: startAfter === '' ? undefined : names.root + startAfter,
  }
  return itemsOf(async (from?: string) => {
    const { Contents, IsTruncated, NextContinuationToken } = await request(
      bucket,
      { what: `Listing ${names.url}`, signal },
      () => client.send(new ListObjectsV2Command({ ...asked, ContinuationToken: from }), stoppedBy(signal)),
    )
    const items = (Contents ?? []).map(({ Key = names.root, Size = 0, LastModified, ETag }) => ({
      key: names.key(Key),
      size: Size,
      modifiedAt: wholeSeconds(LastModified),
      revision: unquoted(ETag),
    }))
    return { items, next: IsTruncated === true ? NextContinuationToken : undefined }
  })
}
