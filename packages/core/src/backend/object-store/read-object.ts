import type { Readable } from 'node:stream'
import { HoldfastError, isHoldfastError, messageOf } from '../../errors.ts'
import type { CallOptions, ObjectStat, ReadableObject, ReadOptions } from '../backend.ts'
import { resolveRange } from '../range.ts'
import { foreignAnswer, isHtml } from './answers.ts'
import { noSuchObject, type ObjectStore, rangesAtOnceOf } from './object-store.ts'
import { requestWithRetry } from './request-with-retry.ts'
import { resumingStream } from './resuming-stream.ts'
import { redact } from './secrets.ts'

/** The size of the first request in bytes: enough to measure the speed of a connection. The bytes stream. */
const firstBytes = 8 * 2 ** 20

/** The bytes to request. */
export interface WantedBytes extends ReadOptions {
  /** The object that an interrupted read began with. If the key has another body now, the read fails. */
  readonly of?: ObjectStat | undefined
  /** Whether another thread may receive the bytes, because they are read into shared memory. */
  readonly inThread?: boolean | undefined
}

/** The stat of the whole object, and the requested bytes as a stream. */
export interface OpenedObject {
  readonly stat: ObjectStat
  readonly body: Readable
}

/** The requests by which an object is read. */
export interface ReadRequests<Store extends ObjectStore> {
  /**
   * Sends the request without retrying, and rejects with what the SDK throws. Returns `undefined` if the range begins
   * at or after the end of the object.
   */
  readonly open: (store: Store, key: string, wanted: WantedBytes) => Promise<OpenedObject | undefined>
  /** The `stat` of the port. */
  readonly stat: (store: Store, key: string, options: CallOptions) => Promise<ObjectStat | undefined>
}

/**
 * Streams an object or a range of it. The first bytes come by one request, and the rest as `resumingStream` describes.
 * If a connection breaks, the stream continues with the same body.
 */
export async function readObject<Store extends ObjectStore>(
  store: Store,
  key: string,
  { range, newConnection, signal }: ReadOptions,
  { open, stat }: ReadRequests<Store>,
): Promise<ReadableObject> {
  const { url } = store.names
  const what = `The read of ${key}`
  const info = { what, key, signal }
  if (range !== undefined) resolveRange(range, Number.MAX_SAFE_INTEGER, key, url)
  const { start: from, end: to = Infinity } = range ?? { start: 0 }
  // HTTP cannot express an empty range: https://www.rfc-editor.org/rfc/rfc9110#section-14.1.2.
  const first =
    from === to
      ? undefined
      : await requestWithRetry(store, info, () =>
          open(store, key, {
            range: { start: from, end: Math.min(to, from + firstBytes) },
            newConnection,
            signal,
          }),
        )
  if (first === undefined) {
    const object = await stat(store, key, { signal })
    if (object === undefined) throw noSuchObject(store, key)
    resolveRange(range, object.size, key, url)
    return { stat: object, body: emptyBody() }
  }
  const { start, end } = resolveRange(range, first.stat.size, key, url)
  return {
    stat: first.stat,
    // The pieces come from a socket, so nothing else uses their memory.
    detachable: true,
    body: resumingStream({
      start,
      end,
      first: first.body,
      firstBytes,
      rangeBytes: store.parts.partBytes,
      rangesAtOnce: rangesAtOnceOf(store),
      threads: store.threads,
      async reopen(position, before, inThread) {
        try {
          const again = await open(store, key, {
            range: { start: position, end: before },
            of: first.stat,
            inThread,
            newConnection,
            signal,
          })
          if (again !== undefined) return again.body
        } catch (error) {
          throw store.errorOf(error, info)
        }
        throw new HoldfastError('UNAVAILABLE', `${what} was interrupted at byte ${position}.`)
      },
      errorOf: (error) => (isHoldfastError(error) ? error : brokenOff(store, what, key, error)),
      retry: { what, policy: store.retry, signal, onRetry: store.onRetry },
      progress: store.progress,
    }),
  }
}

/** Returns the error of `open` if the key has another body than the read began with, or none. */
export function replacedWhileRead(store: ObjectStore, key: string, error: unknown): HoldfastError {
  const { url } = store.names
  const cause = store.errorOf(error, { what: `Reading ${key}`, key })
  const message = `${key} was replaced or deleted during the read. Read it again.`
  return new HoldfastError('UNAVAILABLE', message, { key, url, cause, retryable: false })
}

/** Returns the value of the Range header: https://www.rfc-editor.org/rfc/rfc9110#section-14.2. */
export function rangeHeader(range: ReadOptions['range']): string | undefined {
  if (range === undefined) return undefined
  return `bytes=${range.start}-${range.end === undefined ? '' : range.end - 1}`
}

/** The headers of a response that describe an object. */
export interface ObjectHeaders {
  readonly etag?: string | undefined
  readonly lastModified?: Date | undefined
  readonly contentLength?: number | undefined
  readonly contentRange?: string | undefined
  readonly contentType?: string | undefined
}

/**
 * Returns the stat of the whole object from the headers of a response. With `range`, the response must be for exactly
 * this range: https://www.rfc-editor.org/rfc/rfc9110#section-14.4. Throws for a response without the headers that every
 * store sends.
 */
export function statOfHeaders(key: string, headers: ObjectHeaders, range?: WantedBytes['range']): ObjectStat {
  const { etag, lastModified, contentLength, contentRange, contentType } = headers
  const info = { what: `Looking at ${key}`, key }
  const revision = unquotedEtag(etag)
  if (revision === '' || lastModified === undefined)
    throw foreignAnswer(info, isHtml(contentType) ? 'it is a web page' : 'it has no ETag or no Last-Modified')
  if (range === undefined) {
    if (contentLength === undefined) throw foreignAnswer(info, 'it does not state the size')
    return { key, size: contentLength, modifiedAt: lastModified, revision }
  }
  const [, start, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(contentRange ?? '') ?? []
  const isLonger = Number(last) >= (range.end ?? Infinity)
  if (total === undefined || Number(start) !== range.start || isLonger)
    throw foreignAnswer(info, `it is not the requested range from byte ${range.start}`)
  return { key, size: Number(total), modifiedAt: lastModified, revision }
}

/** Returns a time without fractions of a second. Headers of HTTP have none, and lists of some stores do. */
export function wholeSeconds(date = new Date(0)): Date {
  return new Date(Math.floor(date.getTime() / 1000) * 1000)
}

/** Returns an ETag without its quotes. Some responses have none. */
export function unquotedEtag(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '')
}

function emptyBody(): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => {
      controller.close()
    },
  })
}

/** Any failure of a body that has begun counts as a broken connection, whatever error the SDK throws. */
function brokenOff(store: ObjectStore, what: string, key: string, error: unknown): HoldfastError {
  const { url } = store.names
  const cause = store.errorOf(error, { what, key })
  return new HoldfastError('UNAVAILABLE', `${what} broke off. (${redact(messageOf(error))})`, {
    key,
    url,
    cause,
  })
}
