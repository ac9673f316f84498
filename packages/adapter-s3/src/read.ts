import { Readable } from 'node:stream'
import { GetObjectCommand, type GetObjectCommandOutput, HeadObjectCommand } from '@aws-sdk/client-s3'
import {
  type CallOptions,
  type ObjectStat,
  type OpenedObject,
  orDestroy,
  rangeHeader,
  type ReadableObject,
  readObject,
  type ReadOptions,
  replacedWhileRead,
  requestWithRetry,
  statOfHeaders,
  type WantedBytes,
} from '@holdfast/core/backend'
import { addressOf, type Bucket } from './bucket.ts'
import { isCalled } from './errors.ts'
import { send } from './send.ts'

/** Reads an object with GET. If a connection breaks, `If-Match` selects the same body. */
export async function read(bucket: Bucket, key: string, options: ReadOptions): Promise<ReadableObject> {
  return readObject(bucket, key, options, { open, stat })
}

/** Returns the stat of an object; `undefined` if it is absent. */
export async function stat(
  bucket: Bucket,
  key: string,
  { signal }: CallOptions,
): Promise<ObjectStat | undefined> {
  const asked = { what: `Looking at ${key}`, key, signal }
  return requestWithRetry(bucket, asked, async () => {
    try {
      const command = new HeadObjectCommand(addressOf(bucket, key))
      return statOf(key, await send(bucket, asked, 'no body', command, signal))
    } catch (error) {
      if (isCalled(error, 'NotFound', 'NoSuchKey')) return undefined
      throw error
    }
  })
}

async function open(bucket: Bucket, key: string, wanted: WantedBytes): Promise<OpenedObject | undefined> {
  const { range, of, signal } = wanted
  const command = new GetObjectCommand({
    ...addressOf(bucket, key),
    Range: rangeHeader(range),
    IfMatch: of && `"${of.revision}"`,
  })
  try {
    const asked = { what: `The read of ${key}`, key }
    const answer = await send(senderOf(bucket, wanted), asked, 'object', command, signal)
    const { Body: body } = answer
    if (!(body instanceof Readable)) throw new Error('The response has no body')
    return { stat: orDestroy(body, () => statOf(key, answer, range)), body }
  } catch (error) {
    if (isCalled(error, 'InvalidRange')) return undefined
    throw isCalled(error, 'PreconditionFailed') ? replacedWhileRead(bucket, key, error) : error
  }
}

/** Chooses the connection: the first bytes of each object come through the SDK, and the rest directly. */
function senderOf(bucket: Bucket, { newConnection, of, inThread }: WantedBytes): Parameters<typeof send>[0] {
  if (newConnection === true) return bucket.unpooled
  const { client, progress, direct } = bucket
  return { client, progress, through: of && direct?.receiver(inThread) }
}

function statOf(
  key: string,
  { ETag, LastModified, ContentLength, ContentRange, ContentType }: Partial<GetObjectCommandOutput>,
  range?: WantedBytes['range'],
): ObjectStat {
  const headers = {
    etag: ETag,
    lastModified: LastModified,
    contentLength: ContentLength,
    contentRange: ContentRange,
    contentType: ContentType,
  }
  return statOfHeaders(key, headers, range)
}
