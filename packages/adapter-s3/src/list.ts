import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import { type ListOptions, type ObjectStat, request } from '@holdfast/core'
import { type Bucket, revisionOf, stoppedBy } from './bucket.ts'

/** Keys of one answer (Amazon S3 API Reference, ListObjectsV2). */
const pageSize = 1000

/** Page after page, in the order of the bytes of the names in UTF-8. */
export async function* list(
  bucket: Bucket,
  prefix: string,
  { startAfter, limit = Infinity, signal }: ListOptions,
): AsyncGenerator<ObjectStat> {
  const { client, name, names, requesterPays } = bucket
  let token: string | undefined
  do {
    const page = await request(bucket, { what: `Listing ${names.url}`, signal }, () =>
      client.send(
        new ListObjectsV2Command({
          Bucket: name,
          Prefix: names.root + prefix,
          MaxKeys: Math.min(pageSize, limit),
          ...(startAfter === undefined || startAfter === '' ? {} : { StartAfter: names.root + startAfter }),
          ...(token === undefined ? {} : { ContinuationToken: token }),
          ...(requesterPays ? { RequestPayer: 'requester' } : {}),
        }),
        stoppedBy(signal),
      ),
    )
    for (const { Key, Size, LastModified, ETag } of page.Contents ?? []) {
      if (Key === undefined) continue
      yield {
        key: names.key(Key),
        size: Size ?? 0,
        modifiedAt: wholeSeconds(LastModified),
        revision: revisionOf(ETag),
      }
    }
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined
  } while (token !== undefined)
}

/** What HTTP tells of an object has no fractions of a second; a list of some stores has. */
function wholeSeconds(date: Date | undefined): Date {
  return new Date(Math.floor((date?.getTime() ?? 0) / 1000) * 1000)
}
