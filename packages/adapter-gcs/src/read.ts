import { Readable } from 'node:stream'
import {
  type CallOptions,
  noSuchObject,
  type ObjectStat,
  type OpenedObject,
  type ReadableObject,
  readObject,
  type ReadOptions,
  replaced,
  request,
  type WantedBytes,
} from '@holdfast/core'
import { ask, type Bucket, type GcsObject, objectFields, objectUrl, parseObject, statOf } from './bucket.ts'
import { hasStatus } from './errors.ts'

/**
 * What is known of the object is asked for first, in the very form in which `list` and `stat` tell it, and names the
 * generation to read.
 */
export async function read(bucket: Bucket, key: string, options: ReadOptions): Promise<ReadableObject> {
  return readObject(bucket, key, options, { open, stat })
}

/** `undefined` when it is not there. */
export async function stat(
  bucket: Bucket,
  key: string,
  { signal }: CallOptions,
): Promise<ObjectStat | undefined> {
  const object = await look(bucket, key, signal)
  return object && statOf(bucket, object)
}

/** What the store tells of an object; `undefined` when it is not there. */
export async function look(
  bucket: Bucket,
  key: string,
  signal: AbortSignal | undefined,
): Promise<GcsObject | undefined> {
  return request(bucket, { what: `Looking at ${key}`, key, signal }, () => lookOnce(bucket, key, signal))
}

/** The same by one request; rejects with what the SDK throws. */
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
  { range, of, signal }: WantedBytes,
): Promise<OpenedObject | undefined> {
  const found = of === undefined ? await lookOnce(bucket, key, signal) : undefined
  const object = of ?? (found && statOf(bucket, found))
  if (object === undefined) throw noSuchObject(bucket, key)
  const start = range?.start ?? 0
  const end = Math.min(range?.end ?? object.size, object.size)
  if (start >= end) return undefined
  try {
    const { data } = await ask(bucket, {
      method: 'GET',
      url: objectUrl(bucket, key),
      query: { alt: 'media', generation: object.revision },
      // Asked for compressed, what is stored compressed is left as it is (Cloud Storage documentation, "Transcoding").
      headers: { range: `bytes=${start}-${end - 1}`, 'accept-encoding': 'gzip' },
      answer: 'stream',
      signal,
    })
    if (!(data instanceof Readable)) throw new Error('The answer has no body')
    return { stat: object, body: data }
  } catch (error) {
    throw hasStatus(error, 404) ? replaced(bucket, key, error) : error
  }
}
