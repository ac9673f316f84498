import { randomBytes, randomUUID } from 'node:crypto'
import type { BlockBlobClient } from '@azure/storage-blob'
import {
  ConcurrentHash,
  foreignAnswer,
  HoldfastError,
  isHoldfastError,
  type Part,
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
 * An upload in blocks. A name holds the blocks of all its uploads until one upload is committed, which discards the blocks of the
 * others: https://learn.microsoft.com/en-us/rest/api/storageservices/put-block-list. So each upload uses its own block ids. All
 * ids must have the same length: https://learn.microsoft.com/en-us/rest/api/storageservices/put-block.
 *
 * Puts that continue each other share their blocks. The id of such a block contains the MD5 of its bytes, which the service
 * has verified. So a block with the id and the size of a block of the source has its bytes.
 */
export class BlockUpload implements Upload<string> {
  /** No request deletes the blocks of one upload only. See `sweep`. */
  readonly leftover = 'The service discards its blocks after a week.'
  readonly #container: Container
  readonly #key: string
  readonly #options: PutOptions
  /** The sizes of the blocks that earlier puts of the same bytes have staged, by their ids. */
  readonly #staged: ReadonlyMap<string, number>
  readonly #blob: BlockBlobClient
  /** The metadata by which this upload recognises its blob. */
  readonly #token: string
  /** The first part of the ids of the blocks, if no other put may continue this one. */
  readonly #writer = randomBytes(16)
  readonly #wholeMd5 = new ConcurrentHash('md5')
  #resumedBytes = 0

  private constructor(
    container: Container,
    key: string,
    options: PutOptions,
    staged: ReadonlyMap<string, number>,
  ) {
    this.#container = container
    this.#key = key
    this.#options = options
    this.#staged = staged
    this.#blob = blobOf(container, key)
    this.#token = options.resume?.sha256 ?? randomUUID()
  }

  static async begin(container: Container, key: string, options: PutOptions): Promise<BlockUpload> {
    const { resume, signal } = options
    const staged = resume === undefined ? new Map() : await stagedBlocks(container, key, signal)
    return new BlockUpload(container, key, options, staged)
  }

  async sendPart({ index, bytes }: Part, signal: AbortSignal): Promise<string> {
    const [md5] = await Promise.all([concurrentMd5Of(bytes), this.#wholeMd5.update(bytes)])
    const blockId = blockIdOf(this.#options.resume === undefined ? this.#writer : md5, index)
    if (this.#staged.get(blockId) === bytes.byteLength) this.#resumedBytes += bytes.byteLength
    else await this.#stage(blockId, { index, bytes, md5 }, signal)
    return blockId
  }

  async complete(blockIds: readonly string[]): Promise<Stored> {
    const md5 = Buffer.from(await this.#wholeMd5.digest(), 'hex')
    const info = { what: `Completing ${this.#key}`, key: this.#key }
    const stored = await requestWithRetry(this.#container, info, () => this.#commit(info, blockIds, md5))
    return { ...stored, resumedBytes: this.#resumedBytes }
  }

  async discard(): Promise<void> {
    await this.#endHash()
  }

  async leave(): Promise<void> {
    await this.#endHash()
  }

  async #endHash(): Promise<void> {
    this.#wholeMd5.abandon()
    return Promise.resolve()
  }

  async #stage(
    blockId: string,
    { index, bytes, md5 }: { readonly index: number; readonly bytes: Uint8Array; readonly md5: Uint8Array },
    signal: AbortSignal,
  ): Promise<void> {
    const container = this.#container
    const options = { ...encryptionOf(container), ...stoppedBy(signal), transactionalContentMD5: md5 }
    const info = { what: `Block ${index + 1} of ${this.#key}`, key: this.#key, signal }
    const sender = blobToSend(container, this.#key, bytes)
    await requestWithRetry(container, info, async () => {
      await this.#options.pace?.(bytes.byteLength, signal)
      const answer = fromStore(info, await sender.stageBlock(blockId, bytes, bytes.byteLength, options))
      if (answer.contentMD5 !== undefined && !isVerifiedBy(answer, md5))
        throw foreignAnswer(info, 'its MD5 differs from that of the sent bytes')
    })
  }

  /** Commits the blocks by one request. After a response that proves nothing, looks whether they are committed. */
  async #commit(info: RequestInfo, blockIds: readonly string[], md5: Uint8Array): Promise<Stored> {
    const container = this.#container
    const payload = payloadOf(container, this.#options.contentType, md5)
    const options = { ...payload, metadata: { [uploadName]: this.#token } }
    try {
      const answer = fromStore(info, await this.#blob.commitBlockList([...blockIds], options))
      // The response repeats the id that only this request had.
      const { clientRequestId } = answer
      if (clientRequestId !== undefined && clientRequestId === answer._response.request.requestId)
        return storedAs(info, { ...answer, contentMD5: md5 }, 'writer')
    } catch (error) {
      const mayBeThere = isCalled(error, 'InvalidBlockList') || isProtected(error) || mayHaveHappened(error)
      if (!mayBeThere) throw error
      const there = await this.#committed(info, md5).catch(() => undefined)
      if (there !== undefined) return there
      throw isCalled(error, 'InvalidBlockList')
        ? overtaken(container, this.#key, container.errorOf(error, info))
        : error
    }
    const there = await this.#committed(info, md5)
    if (there === undefined)
      throw foreignAnswer(info, 'it reports that the blocks were committed, but no such blob exists')
    return there
  }

  /** Returns the blob if it has the token of this upload. The blocks were then committed, even if the response was lost. */
  async #committed(info: RequestInfo, md5: Uint8Array): Promise<Stored | undefined> {
    try {
      const there = fromStore(info, await this.#blob.getProperties(readingOf(this.#container)))
      if (there.metadata?.[uploadName] !== this.#token) return undefined
      return storedAs(info, { ...there, contentMD5: md5 }, 'writer')
    } catch (error) {
      if (isCalled(error, 'BlobNotFound')) return undefined
      throw error
    }
  }
}

/** Returns the sizes of the blocks of a name that are staged and not committed, by their ids. */
async function stagedBlocks(
  container: Container,
  key: string,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, number>> {
  const info = { what: `Listing the staged blocks of ${key}`, key, signal }
  try {
    return await requestWithRetry(container, info, async () => {
      const list = blobOf(container, key).getBlockList('uncommitted', stoppedBy(signal))
      const { uncommittedBlocks = [] } = fromStore(info, await orForeign(info, () => list))
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
