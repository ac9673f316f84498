import { randomBytes, randomUUID } from 'node:crypto'
import { ConcurrentHash, HoldfastError, type PutOptions, request, type Upload } from '@holdfast/core'
import { concurrentMd5Of } from './checksum.ts'
import {
  blobOf,
  type Container,
  encryptionOf,
  payloadOf,
  readingOf,
  storedAs,
  stoppedBy,
  uploadName,
} from './container.ts'
import { isCalled, mayHaveHappened } from './errors.ts'

/** Blocks of one blob ("Scalability and performance targets for Blob storage"). */
export const maxBlocks = 50_000

/**
 * The blocks of all uploads to one name lie together until one of them is committed, which discards the others' (Blob
 * service REST API, "Put Block List"). So the ids of an upload are its own, and all of one length, as "Put Block"
 * wants it.
 */
export function beginUpload(container: Container, key: string, { contentType }: PutOptions): Upload<string> {
  const blob = blobOf(container, key)
  const token = randomUUID()
  const attempt = randomBytes(16)
  const wholeMd5 = new ConcurrentHash('md5')

  return {
    async sendPart({ index, bytes }, partSignal) {
      const [md5] = await Promise.all([concurrentMd5Of(bytes), wholeMd5.update(bytes)])
      const blockId = blockIdOf(attempt, index)
      const options = {
        ...encryptionOf(container),
        ...stoppedBy(partSignal),
        transactionalContentMD5: md5,
      }
      const what = `Block ${index + 1} of ${key}`
      await request(container, { what, key, signal: partSignal }, () =>
        blob.stageBlock(blockId, bytes, bytes.byteLength, options),
      )
      return blockId
    },

    async complete(blockIds) {
      const md5 = Buffer.from(await wholeMd5.digest(), 'hex')
      const options = { ...payloadOf(container, contentType, md5), metadata: { [uploadName]: token } }
      const answer = await request(container, { what: `Completing ${key}`, key }, async () => {
        try {
          return await blob.commitBlockList([...blockIds], options)
        } catch (error) {
          // Blocks that are gone were committed, if the blob carries our token: the answer to that was lost.
          if (!isCalled(error, 'InvalidBlockList') && !mayHaveHappened(error)) throw error
          const there = await blob.getProperties(readingOf(container)).catch(() => undefined)
          if (there?.metadata?.[uploadName] === token) return there
          throw isCalled(error, 'InvalidBlockList')
            ? overtaken(container, key, container.errorOf(error, { what: `Completing ${key}`, key }))
            : error
        }
      })
      return storedAs({ etag: answer.etag, contentMD5: md5 }, 'writer')
    },

    // No request removes the blocks of one upload alone (see `sweep`).
    discard: async () => {
      wholeMd5.abandon()
    },
    leftover: 'The service drops its blocks after a week.',
  }
}

function blockIdOf(attempt: Uint8Array, index: number): string {
  const id = Buffer.alloc(20)
  id.set(attempt)
  id.writeUInt32BE(index, 16)
  return id.toString('base64')
}

/** Not retryable: the blocks are gone, and their bytes with them. */
function overtaken({ names: { url } }: Container, key: string, cause: unknown): HoldfastError {
  return new HoldfastError(
    'UNAVAILABLE',
    `Another writer stored ${key} meanwhile, which discards our blocks. Nothing of ours was stored; store it anew.`,
    { key, url, cause, retryable: false },
  )
}
