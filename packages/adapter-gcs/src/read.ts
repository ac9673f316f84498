import { Readable } from 'node:stream'
import {
  HoldfastError,
  messageOf,
  type ObjectStat,
  type ReadableObject,
  type ReadOptions,
  request,
  resolveRange,
  resumingStream,
} from '@holdfast/core'
import { ask, type Bucket, type GcsObject, objectFields, objectUrl, parseObject, statOf } from './bucket.ts'
import { hasStatus, storeError } from './errors.ts'

/** Milliseconds in which a body that is waited for must give something. */
const longestSilence = 60_000

/**
 * Streams the object, or a range of it, and goes on with the same body where a connection breaks. What is known of
 * the object is asked for first, in the very form in which `list` and `stat` tell it, and names the generation to read.
 */
export async function read(bucket: Bucket, key: string, options: ReadOptions): Promise<ReadableObject> {
  const { range, signal } = options
  const { url } = bucket.names
  const what = `The read of ${key}`
  const { object, start, end, first } = await request(bucket, { what, key, signal }, async () => {
    const found = await lookOnce(bucket, key, signal)
    if (found === undefined) throw noSuchObject(bucket, key)
    const bounds = resolveRange(range, found.size, key, url)
    return { object: found, ...bounds, first: await open(bucket, key, found, bounds, signal) }
  })
  return {
    stat: statOf(bucket, object),
    body: resumingStream({
      start,
      end,
      first,
      reopen: async (position) => {
        try {
          return await open(bucket, key, object, { start: position, end }, signal)
        } catch (error) {
          throw storeError(error, { what, key, signal }, url)
        }
      },
      errorOf: (error) => storeError(error, { what, key, signal }, url),
      retry: { what, policy: bucket.retry, signal, onRetry: bucket.onRetry },
    }),
  }
}

/** `undefined` when it is not there. */
export async function stat(
  bucket: Bucket,
  key: string,
  signal: AbortSignal | undefined,
): Promise<ObjectStat | undefined> {
  const object = await look(bucket, key, signal)
  return object === undefined ? undefined : statOf(bucket, object)
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

/** The bytes `start` to before `end` of exactly this object, as they are stored. */
async function open(
  bucket: Bucket,
  key: string,
  { generation }: GcsObject,
  { start, end }: { readonly start: number; readonly end: number },
  signal: AbortSignal | undefined,
): Promise<Readable> {
  if (start === end) return Readable.from([])
  try {
    const { data } = await ask(bucket, {
      method: 'GET',
      url: objectUrl(bucket, key),
      query: { alt: 'media', generation },
      // Asked for compressed, what is stored compressed is left as it is (Cloud Storage documentation, "Transcoding").
      headers: { range: `bytes=${start}-${end - 1}`, 'accept-encoding': 'gzip' },
      answer: 'stream',
      signal,
    })
    if (!(data instanceof Readable)) throw new Error('The answer has no body')
    return neverSilent(data, `The read of ${key}`)
  } catch (error) {
    throw hasStatus(error, 404) ? replaced(bucket, key, error) : error
  }
}

/** Passes a body on, and ends it when nothing comes although someone waits for it. */
function neverSilent(body: Readable, what: string): Readable {
  const chunks = body.iterator({ destroyOnReturn: true }) as AsyncIterator<Uint8Array>
  return new Readable({
    objectMode: true,
    highWaterMark: 1,
    read() {
      const timer = setTimeout(() => {
        body.destroy(new DOMException(`${what} gave nothing for ${longestSilence} ms`, 'TimeoutError'))
      }, longestSilence)
      chunks
        .next()
        .finally(() => {
          clearTimeout(timer)
        })
        .then(
          ({ done, value }) => this.push(done === true ? null : value),
          (error: unknown) => this.destroy(error instanceof Error ? error : new Error(messageOf(error))),
        )
    },
    destroy(error, done) {
      body.on('error', () => undefined)
      body.destroy()
      done(error)
    },
  })
}

export function noSuchObject({ names: { url } }: Bucket, key: string): HoldfastError {
  return new HoldfastError('NOT_FOUND', `There is no ${key} in ${url}.`, { key, url })
}

function replaced({ names: { url } }: Bucket, key: string, cause: unknown): HoldfastError {
  const message = `${key} was replaced or deleted while it was read. Read it again.`
  return new HoldfastError('UNAVAILABLE', message, { key, url, cause, retryable: false })
}

/** The few bytes of an object that was committed. */
export async function readWhole(bucket: Bucket, key: string): Promise<Uint8Array> {
  const { body } = await read(bucket, key, {})
  return Buffer.concat(await Array.fromAsync(body))
}
