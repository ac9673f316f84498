import { Readable } from 'node:stream'
import {
  type CallOptions,
  foreignAnswer,
  type ObjectStat,
  type OpenedObject,
  orDestroy,
  rangeHeader,
  type ReadableObject,
  readObject,
  type ReadOptions,
  replacedWhileRead,
  requestWithRetry,
  type WantedBytes,
  withoutUndefined,
} from '@holdfast/core/backend'
import { ask, type Bucket, type GcsObject, objectFields, objectUrl, parseObject, statOf } from './bucket.ts'
import { hasStatus } from './errors.ts'

/** Reads an object with GET. If a connection breaks, the next request reads the same generation. */
export async function read(bucket: Bucket, key: string, options: ReadOptions): Promise<ReadableObject> {
  return readObject(bucket, key, options, { open, stat })
}

/** Returns the stat of an object; `undefined` if it is absent. */
export async function stat(
  bucket: Bucket,
  key: string,
  { signal }: CallOptions,
): Promise<ObjectStat | undefined> {
  const object = await look(bucket, key, signal)
  return object && statOf(bucket, object)
}

/** Returns the description of an object; `undefined` if it is absent. */
export async function look(
  bucket: Bucket,
  key: string,
  signal: AbortSignal | undefined,
): Promise<GcsObject | undefined> {
  return requestWithRetry(bucket, { what: `Looking at ${key}`, key, signal }, () =>
    lookOnce(bucket, key, signal),
  )
}

/** Returns the description of an object without retrying. Rejects with what the SDK throws. */
export async function lookOnce(
  bucket: Bucket,
  key: string,
  signal: AbortSignal | undefined,
): Promise<GcsObject | undefined> {
  const { status, data } = await ask(bucket, {
    method: 'GET',
    url: objectUrl(bucket, key),
    query: { fields: objectFields },
    alsoFine: [404],
    signal,
  })
  return status === 404 ? undefined : parseObject(data)
}

async function open(
  bucket: Bucket,
  key: string,
  { range, of, inThread = false, newConnection, signal }: WantedBytes,
): Promise<OpenedObject | undefined> {
  try {
    const { headers, data } = await ask(bucket, {
      method: 'GET',
      url: objectUrl(bucket, key),
      query: { alt: 'media', generation: of?.revision },
      headers: {
        ...withoutUndefined({ range: rangeHeader(range) }),
        // Otherwise the store decompresses objects that were stored compressed: https://cloud.google.com/storage/docs/transcoding.
        'accept-encoding': 'gzip',
      },
      answer: 'stream',
      newConnection,
      // The first bytes of each object come through the SDK.
      direct: of !== undefined && newConnection !== true ? { inThread } : undefined,
      signal,
    })
    if (!(data instanceof Readable)) throw new Error('The response has no body')
    return { stat: orDestroy(data, () => statInHeaders(key, headers, range)), body: data }
  } catch (error) {
    if (hasStatus(error, 416)) return undefined
    throw of !== undefined && hasStatus(error, 404) ? replacedWhileRead(bucket, key, error) : error
  }
}

/**
 * Returns the stat of the whole object, also from the response to a range:
 * https://cloud.google.com/storage/docs/xml-api/reference-headers.
 */
function statInHeaders(key: string, headers: Headers, range: WantedBytes['range']): ObjectStat {
  const info = { what: `The read of ${key}`, key }
  const size = Number(headers.get('x-goog-stored-content-length') ?? Number.NaN)
  const modifiedAt = new Date(headers.get('last-modified') ?? '')
  const revision = headers.get('x-goog-generation')
  if (revision === null || !Number.isSafeInteger(size) || Number.isNaN(modifiedAt.getTime()))
    throw foreignAnswer(info, 'it does not state the size, the generation and the time of the object')
  // Without the header, the response is the whole object.
  const [, start = '0', last = size - 1] = /^bytes (\d+)-(\d+)/.exec(headers.get('content-range') ?? '') ?? []
  if (range !== undefined && (Number(start) !== range.start || Number(last) >= (range.end ?? Infinity)))
    throw foreignAnswer(info, `it is not the requested range from byte ${range.start}`)
  return { key, size, modifiedAt, revision }
}
