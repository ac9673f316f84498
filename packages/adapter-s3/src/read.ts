import { Readable } from 'node:stream'
import { GetObjectCommand, type GetObjectCommandOutput, HeadObjectCommand } from '@aws-sdk/client-s3'
import {
  type CallOptions,
  foreignAnswer,
  HoldfastError,
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
import { receivingBy } from './direct.ts'
import { isCalled } from './errors.ts'
import { readElsewhere, Redirected } from './redirect.ts'
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
  const info = { what: `Looking at ${key}`, key, signal }
  return requestWithRetry(bucket, info, async () => {
    try {
      const command = new HeadObjectCommand(addressOf(bucket, key))
      return statOf(key, await send(bucket, info, 'no body', command, signal))
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
    const info = { what: `The read of ${key}`, key }
    const answer = await send(senderOf(bucket, wanted), info, 'object', command, signal)
    const { Body: body } = answer
    if (!(body instanceof Readable)) throw new Error('The response has no body')
    const opened = { body, stat: orDestroy(body, () => statOf(key, answer, range)) }
    return orDestroy(body, () => sameBody(bucket, opened, of))
  } catch (error) {
    if (isCalled(error, 'InvalidRange')) return undefined
    if (error instanceof Redirected) return openElsewhere(bucket, key, wanted, error.location)
    const isGone = of !== undefined && isCalled(error, 'NoSuchKey', 'NotFound')
    throw isGone || isCalled(error, 'PreconditionFailed') ? replacedWhileRead(bucket, key, error) : error
  }
}

/** Some services ignore conditions of reads: https://huggingface.co/docs/hub/storage-buckets-s3. */
function sameBody(bucket: Bucket, opened: OpenedObject, of: ObjectStat | undefined): OpenedObject {
  const { key, revision } = opened.stat
  if (of === undefined || revision === of.revision) return opened
  const why = `The revision is ${revision}, not ${of.revision}.`
  throw replacedWhileRead(bucket, key, new HoldfastError('UNAVAILABLE', why, { key }))
}

/**
 * Opens an object at the host to which the store redirects. That host does not know the revision, so the store is asked for it
 * before and after it names the address. This assumes that the address names the body of the moment when the store issued it. The
 * digests of core detect other bytes.
 */
async function openElsewhere(
  bucket: Bucket,
  key: string,
  wanted: WantedBytes,
  location: URL,
): Promise<OpenedObject | undefined> {
  const { range, of, newConnection, signal } = wanted
  const info = { what: `The read of ${key}`, key }
  const sender = newConnection === true ? bucket.unpooled : bucket
  const there = await send(sender, info, 'no body', new HeadObjectCommand(addressOf(bucket, key)), signal)
  const now = statOf(key, there)
  if (of === undefined)
    return now.size <= (range?.start ?? 0) ? undefined : open(bucket, key, { ...wanted, of: now })
  const { body, ...headers } = await readElsewhere(sender.client, info, location, rangeHeader(range), signal)
  return orDestroy(body, () => {
    const { ETag: etag, LastModified: lastModified } = there
    const stat = statOfHeaders(key, { etag, lastModified, ...headers }, range)
    if (stat.size !== now.size) throw foreignAnswer(info, `it has ${stat.size} bytes, not ${now.size}`)
    return sameBody(bucket, { stat, body }, of)
  })
}

/** Chooses the connection: the first bytes of each object come through the SDK, and the rest directly. */
function senderOf(bucket: Bucket, { newConnection, of, inThread }: WantedBytes): Parameters<typeof send>[0] {
  if (newConnection === true) return bucket.unpooled
  const { direct } = bucket
  return { ...bucket, directly: of && direct && receivingBy(direct.receiver(inThread)) }
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
