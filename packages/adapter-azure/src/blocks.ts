import { randomBytes, randomUUID } from 'node:crypto'
import {
  ConcurrentHash,
  foreignAnswer,
  HoldfastError,
  isHoldfastError,
  type PutOptions,
  type RequestInfo,
  requestWithRetry,
  type Stored,
  type Upload,
} from '@holdfast/core/backend'
import { concurrentMd5Of, isVerifiedBy } from './checksum.ts'
import {
  blobOf,
  blobToSend,
  type Container,
  encryptionOf,
  fromStore,
  orForeign,
  payloadOf,
  readingOf,
  storedAs,
  stoppedBy,
  uploadName,
} from './container.ts'
import { isCalled, isProtected, mayHaveHappened } from './errors.ts'

/**
 * The largest number of blocks of one blob: https://learn.microsoft.com/en-us/azure/storage/blobs/scalability-targets.
 */
export const maxBlocks = 50_000

/**
 * Begins an upload in blocks. A name holds the blocks of all its uploads until one upload is committed, which discards
 * the blocks of the others: https://learn.microsoft.com/en-us/rest/api/storageservices/put-block-list. So each upload
 * uses its own block ids. All ids must have the same length:
 * https://learn.microsoft.com/en-us/rest/api/storageservices/put-block.
 *
 * Puts that continue each other share their blocks. The id of such a block contains the MD5 of its bytes, which the service
 * has verified. So a block with the id and the size of a block of the source has its bytes.
 */
export async function beginUpload(
  container: Container,
  key: string,
  { contentType, signal, pace, resume }: PutOptions,
): Promise<Upload<string>> {
  const blob = blobOf(container, key)
  const token = resume?.sha256 ?? randomUUID()
  const attempt = randomBytes(16)
  const staged = resume === undefined ? new Map<string, number>() : await stagedBlocks(container, key, signal)
  const wholeMd5 = new ConcurrentHash('md5')
  let resumedBytes = 0

  /**
   * Returns the blob if it has the token of this upload. The blocks were then committed, even if the response was lost.
   */
  const committed = async (asked: RequestInfo, md5: Uint8Array): Promise<Stored | undefined> => {
    try {
      const there = fromStore(asked, await blob.getProperties(readingOf(container)))
      if (there.metadata?.[uploadName] !== token) return undefined
      return storedAs(asked, { ...there, contentMD5: md5 }, 'writer')
    } catch (error) {
      if (isCalled(error, 'BlobNotFound')) return undefined
      throw error
    }
  }

  const endHash = async (): Promise<void> => {
    wholeMd5.abandon()
  }

  return {
    async sendPart({ index, bytes }, partSignal) {
      const [md5] = await Promise.all([concurrentMd5Of(bytes), wholeMd5.update(bytes)])
      const blockId = blockIdOf(resume === undefined ? attempt : md5, index)
      if (staged.get(blockId) === bytes.byteLength) {
        resumedBytes += bytes.byteLength
        return blockId
      }
      const options = {
        ...encryptionOf(container),
        ...stoppedBy(partSignal),
        transactionalContentMD5: md5,
      }
      const asked = { what: `Block ${index + 1} of ${key}`, key, signal: partSignal }
      const sender = blobToSend(container, key, bytes)
      await requestWithRetry(container, asked, async () => {
        await pace?.(bytes.byteLength, partSignal)
        const answer = fromStore(asked, await sender.stageBlock(blockId, bytes, bytes.byteLength, options))
        if (answer.contentMD5 !== undefined && !isVerifiedBy(answer, md5))
          throw foreignAnswer(asked, 'its MD5 differs from that of the sent bytes')
      })
      return blockId
    },

    async complete(blockIds) {
      const md5 = Buffer.from(await wholeMd5.digest(), 'hex')
      const options = { ...payloadOf(container, contentType, md5), metadata: { [uploadName]: token } }
      const asked = { what: `Completing ${key}`, key }
      return requestWithRetry(container, asked, async () => {
        try {
          const answer = fromStore(asked, await blob.commitBlockList([...blockIds], options))
          // The response repeats the id that only this request had.
          if (
            answer.clientRequestId !== undefined &&
            answer.clientRequestId === answer._response.request.requestId
          )
            return { ...storedAs(asked, { ...answer, contentMD5: md5 }, 'writer'), resumedBytes }
        } catch (error) {
          const mayBeThere =
            isCalled(error, 'InvalidBlockList') || isProtected(error) || mayHaveHappened(error)
          if (!mayBeThere) throw error
          const there = await committed(asked, md5).catch(() => undefined)
          if (there !== undefined) return { ...there, resumedBytes }
          throw isCalled(error, 'InvalidBlockList')
            ? overtaken(container, key, container.errorOf(error, asked))
            : error
        }
        const there = await committed(asked, md5)
        if (there === undefined)
          throw foreignAnswer(asked, 'it reports that the blocks were committed, but no such blob exists')
        return { ...there, resumedBytes }
      })
    },

    // No request deletes the blocks of one upload only. See `sweep`.
    discard: endHash,
    leave: endHash,
    leftover: 'The service discards its blocks after a week.',
  }
}

/** Returns the sizes of the blocks of a name that are staged and not committed, by their ids. */
async function stagedBlocks(
  container: Container,
  key: string,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, number>> {
  const asked = { what: `Listing the staged blocks of ${key}`, key, signal }
  try {
    return await requestWithRetry(container, asked, async () => {
      const list = blobOf(container, key).getBlockList('uncommitted', stoppedBy(signal))
      const { uncommittedBlocks = [] } = fromStore(asked, await orForeign(asked, () => list))
      return new Map(uncommittedBlocks.map(({ name, size }) => [name, size]))
    })
  } catch (error) {
    // Without a blob or the permission to look at it, the upload stages every block.
    if (isHoldfastError(error, 'NOT_FOUND', 'PERMISSION_DENIED')) return new Map()
    throw error
  }
}

/** `writer` has 16 bytes. */
function blockIdOf(writer: Uint8Array, index: number): string {
  const id = Buffer.alloc(20)
  id.set(writer)
  id.writeUInt32BE(index, 16)
  return id.toString('base64')
}

/** The error is not retryable, since the blocks and their bytes are gone. */
function overtaken({ names: { url } }: Container, key: string, cause: unknown): HoldfastError {
  return new HoldfastError(
    'UNAVAILABLE',
    `Another writer stored ${key} at the same time, which discarded the blocks of this upload. Store the object again.`,
    { key, url, cause, retryable: false },
  )
}
