import type { Readable } from 'node:stream'
import { HoldfastError, isHoldfastError, messageOf } from '../../errors.ts'
import type { CallOptions, ObjectStat, ReadableObject, ReadOptions } from '../backend.ts'
import { resolveRange } from '../range.ts'
import { foreignAnswer, isHtml } from './answers.ts'
import { noSuchObject, type ObjectStore } from './object-store.ts'
import { requestWithRetry } from './request-with-retry.ts'
import { resumingStream } from './resuming-stream.ts'
import { redact } from './secrets.ts'

/** Bytes of the first request: enough to tell how fast a connection is. They stream, and take no memory. */
const firstBytes = 8 * 2 ** 20

/** Which bytes are asked for. */
export interface WantedBytes extends ReadOptions {
  /** What a read that broke off had begun: the bytes are to be of exactly this body, else it was `replaced`. */
  readonly of?: ObjectStat | undefined
}

/** What the store says of the whole object, and the bytes that were asked for as they come. */
export interface OpenedObject {
  readonly stat: ObjectStat
  readonly body: Readable
}

/** How a store is read. */
export interface ReadRequests<Store extends ObjectStore> {
  /**
   * Makes the request once, and rejects with what the SDK throws. `undefined` when the range begins at the end of the
   * object, or past it.
   */
  readonly open: (store: Store, key: string, wanted: WantedBytes) => Promise<OpenedObject | undefined>
  /** That of the port. */
  readonly stat: (store: Store, key: string, options: CallOptions) => Promise<ObjectStat | undefined>
}

/**
 * Streams the object, or a range of it: its first bytes by one request, the rest as fast as the store gives it (see
 * `resumingStream`). Goes on with the same body where a connection breaks.
 */
export async function readObject<Store extends ObjectStore>(
  store: Store,
  key: string,
  { range, newConnection, signal }: ReadOptions,
  { open, stat }: ReadRequests<Store>,
): Promise<ReadableObject> {
  const { url } = store.names
  const what = `The read of ${key}`
  const asked = { what, key, signal }
  if (range !== undefined) resolveRange(range, Number.MAX_SAFE_INTEGER, key, url)
  const { start: from, end: to = Infinity } = range ?? { start: 0 }
  // Stores have no word for a range without bytes.
  const first =
    from === to
      ? undefined
      : await requestWithRetry(store, asked, () =>
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
    // Fresh from a socket.
    detachable: true,
    body: resumingStream({
      start,
      end,
      first: first.body,
      firstBytes,
      rangeBytes: store.parts.partBytes,
      rangesAtOnce: store.rangesAtOnce,
      async reopen(position, before) {
        try {
          const again = await open(store, key, {
            range: { start: position, end: before },
            of: first.stat,
            newConnection,
            signal,
          })
          if (again !== undefined) return again.body
        } catch (error) {
          throw store.errorOf(error, asked)
        }
        throw new HoldfastError('UNAVAILABLE', `${what} broke off at byte ${position}.`)
      },
      errorOf: (error) => (isHoldfastError(error) ? error : brokenOff(store, what, key, error)),
      retry: { what, policy: store.retry, signal, onRetry: store.onRetry },
      progress: store.progress,
    }),
  }
}

/** What `open` rejects with when there is another body than the one to go on with, or none any more. */
export function replacedWhileRead(store: ObjectStore, key: string, error: unknown): HoldfastError {
  const { url } = store.names
  const cause = store.errorOf(error, { what: `Reading ${key}`, key })
  const message = `${key} was replaced or deleted while it was read. Read it again.`
  return new HoldfastError('UNAVAILABLE', message, { key, url, cause, retryable: false })
}

/** The header by which a range is asked for (RFC 9110, Range). */
export function rangeHeader(range: ReadOptions['range']): string | undefined {
  if (range === undefined) return undefined
  return `bytes=${range.start}-${range.end === undefined ? '' : range.end - 1}`
}

/** What the headers of an answer tell of an object. */
export interface ObjectHeaders {
  readonly etag?: string | undefined
  readonly lastModified?: Date | undefined
  readonly contentLength?: number | undefined
  readonly contentRange?: string | undefined
  readonly contentType?: string | undefined
}

/**
 * What the headers of an answer say of the whole object. `range` is the one that was asked for, if any: then the answer
 * must be about exactly that one (RFC 9110, Content-Range). Rejects an answer that lacks what every store says.
 */
export function statOfHeaders(key: string, headers: ObjectHeaders, range?: WantedBytes['range']): ObjectStat {
  const { etag, lastModified, contentLength, contentRange, contentType } = headers
  const asked = { what: `Looking at ${key}`, key }
  const revision = unquotedEtag(etag)
  if (revision === '' || lastModified === undefined)
    throw foreignAnswer(
      asked,
      isHtml(contentType) ? 'it is a web page' : 'it has no ETag or no Last-Modified',
    )
  if (range === undefined) {
    if (contentLength === undefined) throw foreignAnswer(asked, 'it does not say the size')
    return { key, size: contentLength, modifiedAt: lastModified, revision }
  }
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(contentRange ?? '') ?? []
  if (total === undefined || Number(start) !== range.start)
    throw foreignAnswer(asked, `it is not the range from byte ${range.start} on that was asked for`)
  return { key, size: Number(total), modifiedAt: lastModified, revision }
}

/** What HTTP tells of an object has no fractions of a second; a list of some stores has. */
export function wholeSeconds(date = new Date(0)): Date {
  return new Date(Math.floor(date.getTime() / 1000) * 1000)
}

/** An ETag without its quotes, which some answers do not have. */
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

/** A body that has begun and does not end well is a broken connection, whatever the SDK calls it. */
function brokenOff(store: ObjectStore, what: string, key: string, error: unknown): HoldfastError {
  const { url } = store.names
  const cause = store.errorOf(error, { what, key })
  return new HoldfastError('UNAVAILABLE', `${what} broke off. (${redact(messageOf(error))})`, {
    key,
    url,
    cause,
  })
}
