import { Readable } from 'node:stream'
import {
  type CallOptions,
  noSuchObject,
  type ObjectStat,
  type OpenedObject,
  orDestroy,
  type ReadableObject,
  rangeHeader,
  readObject,
  type ReadOptions,
  type RequestInfo,
  replacedWhileRead,
  requestWithRetry,
  statOfHeaders,
  type WantedBytes,
  withoutUndefined,
} from '@holdfast/core/backend'
import { blobOf, type Container, fromStore, isFolder, orForeign, readingOf } from './container.ts'
import { keyHeaders } from './direct.ts'
import { isCalled } from './errors.ts'

/** Reads an object with Get Blob. If a connection breaks, `If-Match` selects the same body. */
export async function read(container: Container, key: string, options: ReadOptions): Promise<ReadableObject> {
  return readObject(container, key, options, { open, stat })
}

/** Returns the stat of an object; `undefined` if it is absent. */
export async function stat(
  container: Container,
  key: string,
  { signal }: CallOptions,
): Promise<ObjectStat | undefined> {
  const info = { what: `Looking at ${key}`, key, signal }
  return requestWithRetry(container, info, async () => {
    try {
      const answer = fromStore(info, await blobOf(container, key).getProperties(readingOf(container, signal)))
      return isFolder(answer.metadata) ? undefined : statOfHeaders(key, answer)
    } catch (error) {
      if (isCalled(error, 'BlobNotFound')) return undefined
      throw error
    }
  })
}

async function open(
  container: Container,
  key: string,
  { range = { start: 0 }, of, inThread, newConnection, signal }: WantedBytes,
): Promise<OpenedObject | undefined> {
  const options = {
    ...readingOf(container, signal),
    ...withoutUndefined({ conditions: of && { ifMatch: `"${of.revision}"` } }),
    // Disables the retries of the SDK.
    maxRetryRequests: 0,
  }
  const info = { what: `The read of ${key}`, key }
  // The first bytes of each object come through the SDK.
  const direct =
    of === undefined || newConnection === true
      ? undefined
      : await openDirectly(container, key, { range, of, inThread, signal }, info)
  if (direct !== undefined) return direct
  try {
    const { start, end } = range
    const answer = await orForeign(info, () =>
      blobOf(container, key, newConnection).download(start, end && end - start, options),
    )
    const body = answer.readableStreamBody
    if (!(body instanceof Readable)) throw new Error('The response has no body')
    const stat = orDestroy(body, () => {
      const { metadata } = fromStore(info, answer)
      if (isFolder(metadata)) throw noSuchObject(container, key)
      return statOfHeaders(key, answer, range)
    })
    return { stat, body }
  } catch (error) {
    if (isCalled(error, 'InvalidRange')) return undefined
    const isGone = of !== undefined && isCalled(error, 'BlobNotFound')
    throw isGone || isCalled(error, 'ConditionNotMet') ? replacedWhileRead(container, key, error) : error
  }
}

/** Opens the rest of an object that a read has begun with. `undefined`: the SDK must send the request. */
async function openDirectly(
  container: Container,
  key: string,
  { range, of, inThread = false, signal }: WantedBytes,
  info: RequestInfo,
): Promise<OpenedObject | undefined> {
  const wanted = withoutUndefined({ range: rangeHeader(range), 'if-match': of && `"${of.revision}"` })
  const sent = { ...wanted, ...keyHeaders(container.customerKey) }
  const response = await container.direct?.get(blobOf(container, key), sent, inThread, signal)
  if (response === undefined) return undefined
  const { headers, body } = response
  const stat = orDestroy(body, () => {
    fromStore(info, withoutUndefined({ requestId: headers['x-ms-request-id'] }))
    const date = headers['last-modified']
    const lastModified = date === undefined ? undefined : new Date(date)
    return statOfHeaders(
      key,
      { etag: headers['etag'], lastModified, contentRange: headers['content-range'] },
      range,
    )
  })
  return { stat, body }
}
