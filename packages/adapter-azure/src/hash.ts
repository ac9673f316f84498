import {
  type CallOptions,
  computedHash,
  noSuchObject,
  type ObjectHash,
  requestWithRetry,
} from '@holdfast/core/backend'
import { storeDigestOf } from './checksum.ts'
import {
  blobOf,
  type Container,
  fromStore,
  inOneRequest,
  isFolder,
  readingOf,
  stoppedBy,
  uploadName,
} from './container.ts'
import { read } from './read.ts'

/**
 * Returns the MD5 that the service keeps. Its origin is `store` for a blob that this package sent in one request, and
 * `writer` for a blob that was assembled from blocks or stored in an unknown way. Without an MD5, computes a digest by
 * reading the blob.
 */
export async function hash(container: Container, key: string, { signal }: CallOptions): Promise<ObjectHash> {
  const info = { what: `Looking at ${key}`, key, signal }
  const kept = await requestWithRetry(container, info, async () => {
    const blob = blobOf(container, key)
    const properties = fromStore(info, await blob.getProperties(readingOf(container, signal)))
    if (isFolder(properties.metadata)) throw noSuchObject(container, key)
    if (properties.contentMD5 === undefined) return undefined
    if (properties.metadata?.[uploadName] !== inOneRequest[uploadName])
      return storeDigestOf(properties, 'writer')
    // A copy of the blob has the same metadata, and may have been assembled from blocks.
    const { committedBlocks = [] } = fromStore(info, await blob.getBlockList('committed', stoppedBy(signal)))
    return storeDigestOf(properties, committedBlocks.length === 0 ? 'store' : 'writer')
  })
  return kept ?? (await computedHash(await read(container, key, { signal })))
}
