import { Readable } from 'node:stream'
import type { BlobDownloadResponseParsed } from '@azure/storage-blob'
import {
  HoldfastError,
  isHoldfastError,
  messageOf,
  type ObjectStat,
  type ReadableObject,
  type ReadOptions,
  request,
  resolveRange,
  resumingStream,
} from '@holdfast/core'
import { blobOf, type Container, isFolder, missing, readingOf, revisionOf } from './container.ts'
import { isCalled } from './errors.ts'

/** Streams the object, or a range of it, and goes on with the same body where a connection breaks. */
export async function read(container: Container, key: string, options: ReadOptions): Promise<ReadableObject> {
  const { range, signal } = options
  const { url } = container.names
  if (range !== undefined) resolveRange(range, Number.MAX_SAFE_INTEGER, key, url)
  // Azure has no word for a range without bytes.
  const first =
    range?.end === range?.start && range !== undefined ? undefined : await open(container, key, options)
  if (first === undefined) return nothingOf(container, key, options)
  const { answer, body } = first
  const object = statOf(key, answer, sizeOf(answer))
  const { start, end } = resolveRange(range, object.size, key, url)
  const what = `The read of ${key}`
  return {
    stat: object,
    body: resumingStream({
      start,
      end,
      first: body,
      async reopen(position) {
        const again = await open(container, key, { range: { start: position, end }, signal }, object.revision)
        if (again === undefined)
          throw new HoldfastError('UNAVAILABLE', `${what} broke off at byte ${position}.`)
        return again.body
      },
      errorOf: (error) => (isHoldfastError(error) ? error : brokenOff(what, key, url, error)),
      retry: { what, policy: container.retry, signal, onRetry: container.onRetry },
    }),
  }
}

/** `undefined` when it is not there. */
export async function stat(
  container: Container,
  key: string,
  signal: AbortSignal | undefined,
): Promise<ObjectStat | undefined> {
  return request(container, { what: `Looking at ${key}`, key, signal }, async () => {
    try {
      const answer = await blobOf(container, key).getProperties(readingOf(container, signal))
      return isFolder(answer.metadata) ? undefined : statOf(key, answer, answer.contentLength ?? 0)
    } catch (error) {
      if (isCalled(error, 'BlobNotFound')) return undefined
      throw error
    }
  })
}

interface Opened {
  readonly answer: BlobDownloadResponseParsed
  readonly body: Readable
}

/** `undefined` when the range begins at the end of the object, or past it. */
async function open(
  container: Container,
  key: string,
  { range, signal }: ReadOptions,
  revision?: string,
): Promise<Opened | undefined> {
  return request(container, { what: `The read of ${key}`, key, signal }, async () => {
    try {
      const { start = 0, end } = range ?? {}
      const answer = await blobOf(container, key).download(
        start,
        end === undefined ? undefined : end - start,
        {
          ...readingOf(container, signal),
          ...(revision === undefined ? {} : { conditions: { ifMatch: `"${revision}"` } }),
          // The SDK would go on by itself.
          maxRetryRequests: 0,
        },
      )
      const body = answer.readableStreamBody
      if (!(body instanceof Readable)) throw new Error('The answer has no body')
      if (!isFolder(answer.metadata)) return { answer, body }
      body.destroy()
      throw missing(container, key)
    } catch (error) {
      if (isCalled(error, 'InvalidRange')) return undefined
      if (isCalled(error, 'ConditionNotMet')) throw replaced(container, key, error)
      throw error
    }
  })
}

/** An empty range, which may not begin past the end. */
async function nothingOf(
  container: Container,
  key: string,
  { range, signal }: ReadOptions,
): Promise<ReadableObject> {
  const object = await stat(container, key, signal)
  if (object === undefined) throw missing(container, key)
  resolveRange(range, object.size, key, container.names.url)
  return {
    stat: object,
    body: new ReadableStream({
      start: (controller) => {
        controller.close()
      },
    }),
  }
}

function statOf(
  key: string,
  answer: { readonly lastModified?: Date | undefined; readonly etag?: string | undefined },
  size: number,
): ObjectStat {
  return { key, size, modifiedAt: answer.lastModified ?? new Date(0), revision: revisionOf(answer.etag) }
}

/** Of the whole object, also in the answer to a range (RFC 9110, Content-Range). */
function sizeOf({ contentRange, contentLength }: BlobDownloadResponseParsed): number {
  const total = /\/(\d+)$/.exec(contentRange ?? '')?.[1]
  return total === undefined ? (contentLength ?? 0) : Number(total)
}

/** The SDK has an error without a code for a body that ends early. */
function brokenOff(what: string, key: string, url: string, cause: unknown): HoldfastError {
  return new HoldfastError('UNAVAILABLE', `${what} broke off. (${messageOf(cause)})`, { key, url, cause })
}

function replaced(container: Container, key: string, cause: unknown): HoldfastError {
  const { url } = container.names
  return new HoldfastError('UNAVAILABLE', `${key} was replaced while it was read. Read it again.`, {
    key,
    url,
    cause,
    retryable: false,
  })
}
