import { Readable } from 'node:stream'
import {
  type CallOptions,
  given,
  noSuchObject,
  type ObjectStat,
  type OpenedObject,
  type ReadableObject,
  readObject,
  type ReadOptions,
  replaced,
  request,
  statOfHeaders,
  type WantedBytes,
} from '@holdfast/core'
import { blobOf, type Container, isFolder, readingOf } from './container.ts'
import { isCalled } from './errors.ts'

/** One Get Blob, by `If-Match` of the same body where a connection broke. */
export async function read(container: Container, key: string, options: ReadOptions): Promise<ReadableObject> {
  return readObject(container, key, options, { open, stat })
}

/** `undefined` when it is not there. */
export async function stat(
  container: Container,
  key: string,
  { signal }: CallOptions,
): Promise<ObjectStat | undefined> {
  return request(container, { what: `Looking at ${key}`, key, signal }, async () => {
    try {
      const answer = await blobOf(container, key).getProperties(readingOf(container, signal))
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
  { range: { start, end } = { start: 0 }, of, signal }: WantedBytes,
): Promise<OpenedObject | undefined> {
  const options = {
    ...readingOf(container, signal),
    ...given({ conditions: of && { ifMatch: `"${of.revision}"` } }),
    // The SDK would go on by itself.
    maxRetryRequests: 0,
  }
  try {
    const answer = await blobOf(container, key).download(start, end && end - start, options)
    const body = answer.readableStreamBody
    if (!(body instanceof Readable)) throw new Error('The answer has no body')
    if (isFolder(answer.metadata)) {
      body.destroy()
      throw noSuchObject(container, key)
    }
    return { stat: statOfHeaders(key, answer), body }
  } catch (error) {
    if (isCalled(error, 'InvalidRange')) return undefined
    throw isCalled(error, 'ConditionNotMet') ? replaced(container, key, error) : error
  }
}
