import { Readable } from 'node:stream'
import { GetObjectCommand, type GetObjectCommandOutput, HeadObjectCommand } from '@aws-sdk/client-s3'
import {
  type CallOptions,
  type ObjectStat,
  type OpenedObject,
  rangeHeader,
  type ReadableObject,
  readObject,
  type ReadOptions,
  replaced,
  request,
  statOfHeaders,
  type WantedBytes,
} from '@holdfast/core'
import { addressOf, type Bucket, stoppedBy } from './bucket.ts'
import { isCalled } from './errors.ts'

/** One GET, by `If-Match` of the same body where a connection broke. */
export async function read(bucket: Bucket, key: string, options: ReadOptions): Promise<ReadableObject> {
  return readObject(bucket, key, options, { open, stat })
}

/** `undefined` when it is not there. */
export async function stat(
  bucket: Bucket,
  key: string,
  { signal }: CallOptions,
): Promise<ObjectStat | undefined> {
  return request(bucket, { what: `Looking at ${key}`, key, signal }, async () => {
    try {
      const answer = await bucket.client.send(
        new HeadObjectCommand(addressOf(bucket, key)),
        stoppedBy(signal),
      )
      return statOf(key, answer)
    } catch (error) {
      if (isCalled(error, 'NotFound', 'NoSuchKey')) return undefined
      throw error
    }
  })
}

async function open(
  bucket: Bucket,
  key: string,
  { range, of, signal }: WantedBytes,
): Promise<OpenedObject | undefined> {
  const asked = {
    ...addressOf(bucket, key),
    Range: rangeHeader(range),
    IfMatch: of && `"${of.revision}"`,
  }
  try {
    const answer = await bucket.client.send(new GetObjectCommand(asked), stoppedBy(signal))
    if (!(answer.Body instanceof Readable)) throw new Error('The answer has no body')
    return { stat: statOf(key, answer), body: answer.Body }
  } catch (error) {
    if (isCalled(error, 'InvalidRange')) return undefined
    throw isCalled(error, 'PreconditionFailed') ? replaced(bucket, key, error) : error
  }
}

function statOf(
  key: string,
  { ETag, LastModified, ContentLength, ContentRange }: Partial<GetObjectCommandOutput>,
): ObjectStat {
  return statOfHeaders(key, {
    etag: ETag,
    lastModified: LastModified,
    contentLength: ContentLength,
    contentRange: ContentRange,
  })
}
