import { ListObjectsV2Command, type ListObjectsV2Request } from '@aws-sdk/client-s3'
import {
  foreignAnswer,
  type ObjectStat,
  type RequestInfo,
  unquotedEtag,
  wholeSeconds,
} from '@holdfast/core/backend'
import { type Bucket, bucketAddress } from './bucket.ts'
import { send } from './send.ts'

/** A page of a list. */
export interface ListedPage {
  readonly objects: readonly ObjectStat[]
  /** With a delimiter: what several keys share up to it, including the delimiter. */
  readonly folders: readonly string[]
  readonly next: string | undefined
}

/** Sends one request without retrying. */
export async function listPage(
  bucket: Bucket,
  info: RequestInfo,
  input: Omit<ListObjectsV2Request, 'Bucket'>,
): Promise<ListedPage> {
  const { names } = bucket
  const command = new ListObjectsV2Command({ ...bucketAddress(bucket), ...input })
  const answer = await send(bucket, info, { root: 'ListBucketResult' }, command, info.signal)
  const { Contents = [], CommonPrefixes = [], IsTruncated, NextContinuationToken: next } = answer
  if (IsTruncated === undefined || (IsTruncated && (next ?? '') === ''))
    throw foreignAnswer(info, 'it does not state where the list continues')
  const keyOf = (name: string): string => {
    if (!name.startsWith(names.root)) throw foreignAnswer(info, `${name} is not below ${names.root}`)
    return names.key(name)
  }
  return {
    objects: Contents.map(({ Key = '', Size = 0, LastModified, ETag }) => ({
      key: keyOf(Key),
      size: Size,
      modifiedAt: wholeSeconds(LastModified),
      revision: unquotedEtag(ETag),
    })),
    folders: CommonPrefixes.map(({ Prefix = '' }) => keyOf(Prefix)),
    next: IsTruncated ? next : undefined,
  }
}
