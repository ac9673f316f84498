import { Readable } from 'node:stream'
import { GetObjectCommand, type GetObjectCommandOutput, HeadObjectCommand } from '@aws-sdk/client-s3'
import {
  HoldfastError,
  type ObjectStat,
  type ReadableObject,
  type ReadOptions,
  resolveRange,
  request,
  resumingStream,
} from '@holdfast/core'
import { addressOf, type Bucket, revisionOf, stoppedBy } from './bucket.ts'
import { isCalled, storeError } from './errors.ts'

/** Streams the object, or a range of it, and goes on with the same body where a connection breaks. */
export async function read(bucket: Bucket, key: string, options: ReadOptions): Promise<ReadableObject> {
  const { range, signal } = options
  if (range !== undefined) resolveRange(range, Number.MAX_SAFE_INTEGER, key, bucket.names.url)
  // S3 has no word for a range without bytes.
  const first =
    range?.end === range?.start && range !== undefined ? undefined : await open(bucket, key, options)
  if (first === undefined) return nothingOf(bucket, key, options)
  const { answer, body } = first
  const object = statOf(key, answer, sizeOf(answer))
  const { start, end } = resolveRange(range, object.size, key, bucket.names.url)
  const what = `The read of ${key}`
  return {
    stat: object,
    body: resumingStream({
      start,
      end,
      first: body,
      async reopen(position) {
        const again = await open(bucket, key, { range: { start: position, end }, signal }, object.revision)
        if (again === undefined)
          throw new HoldfastError('UNAVAILABLE', `${what} broke off at byte ${position}.`)
        return again.body
      },
      errorOf: (error) => storeError(error, { what, key, signal }, bucket.names.url),
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
  return request(bucket, { what: `Looking at ${key}`, key, signal }, async () => {
    try {
      const answer = await bucket.client.send(
        new HeadObjectCommand(addressOf(bucket, key)),
        stoppedBy(signal),
      )
      return statOf(key, answer, answer.ContentLength ?? 0)
    } catch (error) {
      if (isCalled(error, 'NotFound', 'NoSuchKey')) return undefined
      throw error
    }
  })
}

interface Opened {
  readonly answer: GetObjectCommandOutput
  readonly body: Readable
}

/** `undefined` when the range begins at the end of the object, or past it. */
async function open(
  bucket: Bucket,
  key: string,
  { range, signal }: ReadOptions,
  revision?: string,
): Promise<Opened | undefined> {
  return request(bucket, { what: `The read of ${key}`, key, signal }, async () => {
    try {
      const answer = await bucket.client.send(
        new GetObjectCommand({
          ...addressOf(bucket, key),
          ...(range === undefined
            ? {}
            : { Range: `bytes=${range.start}-${range.end === undefined ? '' : range.end - 1}` }),
          ...(revision === undefined ? {} : { IfMatch: `"${revision}"` }),
        }),
        stoppedBy(signal),
      )
      if (!(answer.Body instanceof Readable)) throw new Error('The answer has no body')
      return { answer, body: answer.Body }
    } catch (error) {
      if (isCalled(error, 'InvalidRange')) return undefined
      if (isCalled(error, 'PreconditionFailed')) throw replaced(bucket, key, error)
      throw error
    }
  })
}

/** An empty range, which may not begin past the end. */
async function nothingOf(
  bucket: Bucket,
  key: string,
  { range, signal }: ReadOptions,
): Promise<ReadableObject> {
  const object = await stat(bucket, key, signal)
  const { url } = bucket.names
  if (object === undefined)
    throw new HoldfastError('NOT_FOUND', `There is no ${key} in ${url}.`, { key, url })
  resolveRange(range, object.size, key, url)
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
  answer: { readonly LastModified?: Date | undefined; readonly ETag?: string | undefined },
  size: number,
): ObjectStat {
  return { key, size, modifiedAt: answer.LastModified ?? new Date(0), revision: revisionOf(answer.ETag) }
}

/** Of the whole object, also in the answer to a range (RFC 9110, Content-Range). */
function sizeOf({ ContentRange, ContentLength }: GetObjectCommandOutput): number {
  const total = /\/(\d+)$/.exec(ContentRange ?? '')?.[1]
  return total === undefined ? (ContentLength ?? 0) : Number(total)
}

function replaced(bucket: Bucket, key: string, cause: unknown): HoldfastError {
  const { url } = bucket.names
  return new HoldfastError('UNAVAILABLE', `${key} was replaced while it was read. Read it again.`, {
    key,
    url,
    cause,
    retryable: false,
  })
}
