import { computedHash, type ObjectHash, request } from '@holdfast/core'
import { isFromBlocks } from './blocks.ts'
import { vouchedBy } from './checksum.ts'
import { blobOf, type Container, isFolder, missing, readingOf, stoppedBy } from './container.ts'
import { read } from './read.ts'

/**
 * The MD5 that the service keeps: its own word for a blob that came in one request, the writer's for one that was
 * assembled from blocks. Without one, computed by reading.
 */
export async function hash(
  container: Container,
  key: string,
  signal: AbortSignal | undefined,
): Promise<ObjectHash> {
  const kept = await request(container, { what: `Looking at ${key}`, key, signal }, async () => {
    const blob = blobOf(container, key)
    const properties = await blob.getProperties(readingOf(container, signal))
    if (isFolder(properties.metadata)) throw missing(container, key)
    if (properties.contentMD5 === undefined) return undefined
    if (isFromBlocks(properties.metadata) || properties.blobType !== 'BlockBlob')
      return vouchedBy(properties, 'writer')
    // Someone else's tool may have assembled it: Put Blob leaves no list of blocks ("Get Block List").
    const { committedBlocks = [] } = await blob.getBlockList('committed', stoppedBy(signal))
    return vouchedBy(properties, committedBlocks.length === 0 ? 'store' : 'writer')
  })
  return kept ?? (await computedHash(await read(container, key, { signal })))
}
