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
 * The MD5 that the service keeps: its own word for a blob that this package sent in one request, the writer's for one
 * that was assembled from blocks, or came in a way that is not known. Without one, computed by reading.
 */
export async function hash(container: Container, key: string, { signal }: CallOptions): Promise<ObjectHash> {
  const asked = { what: `Looking at ${key}`, key, signal }
  const kept = await requestWithRetry(container, asked, async () => {
    const blob = blobOf(container, key)
    const properties = fromStore(asked, await blob.getProperties(readingOf(container, signal)))
    if (isFolder(properties.metadata)) throw noSuchObject(container, key)
    if (properties.contentMD5 === undefined) return undefined
    if (properties.metadata?.[uploadName] !== inOneRequest[uploadName])
      return storeDigestOf(properties, 'writer')
    // A copy of it keeps the metadata, and may have been assembled from blocks.
    const { committedBlocks = [] } = fromStore(asked, await blob.getBlockList('committed', stoppedBy(signal)))
    return storeDigestOf(properties, committedBlocks.length === 0 ? 'store' : 'writer')
  })
  return kept ?? (await computedHash(await read(container, key, { signal })))
}
