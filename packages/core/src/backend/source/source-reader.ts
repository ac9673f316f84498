import { HoldfastError, throwIfAborted } from '../../errors.ts'
import { ConcurrentDigest } from '../../integrity/index.ts'
import { copies, inTurn, newBuffer, slices } from './buffers.ts'
import { type ByteSource, isFileSource } from './byte-source.ts'
import { changed, fileChunks, type OpenFile, openFile, refuseChanged } from './open-file.ts'
import { rechunk, untilAborted } from './stream-chunks.ts'

export interface SourceReaderOptions {
  /** Every chunk but the last has exactly this many bytes. */
  readonly chunkBytes: number
  /**
   * How many chunks the consumer may still be using when it asks for the next one. Buffers are used again
   * after that.
   */
  readonly chunksHeld: number
  /**
   * Whether bytes in memory are copied, chunk by chunk, before they are used: for chunks that fit the processor's
   * cache, hashing and writing them from there saves more than the copy costs. Default: they are used where they are.
   */
  readonly copyBytes?: boolean | undefined
  /**
   * Whether another thread may hash what is large. Its chunks are in shared memory then, which `fetch` does not send.
   * Default: this one does.
   */
  readonly hashInThread?: boolean | undefined
  /** The exact number of bytes, when known beforehand. */
  readonly size?: number | undefined
  /** Fed what the SHA-256 is fed: every byte once, in their order, before it is handed out. */
  readonly checksum?: Checksum | undefined
  readonly signal?: AbortSignal | undefined
}

/** A checksum beside the SHA-256, such as a store's own. */
export interface Checksum {
  update(bytes: Uint8Array): unknown
}

/** Bytes of a buffer of a stretch: few, since several are on their way, and each is new. */
const stretchChunkBytes = 2 ** 20

/**
 * Reads a source from front to end, and knows the size and SHA-256 of what it handed out. A source that can be read again
 * may be, as far as that has been handed out: each byte counts once.
 *
 * Reading ahead, hashing and what the consumer does with the chunk before overlap.
 *
 * @example
 * await using reader = await SourceReader.open(source, { chunkBytes: 4 << 20, chunksHeld: 1 })
 * for await (const chunk of reader.chunks()) await handle.write(chunk)
 * const { size, sha256 } = reader.result()
 */
export class SourceReader implements AsyncDisposable {
  /** Bytes in all, when known before reading. */
  readonly size: number | undefined
  readonly #source: ByteSource
  readonly #options: SourceReaderOptions
  readonly #file: OpenFile | undefined
  readonly #digest: ConcurrentDigest
  #result: { readonly size: number; readonly sha256: string } | undefined

  private constructor(source: ByteSource, options: SourceReaderOptions, file: OpenFile | undefined) {
    this.#source = source
    this.#options = options
    this.#file = file
    this.size = options.size ?? (file === undefined ? undefined : Number(file.before.size))
    if (source instanceof Uint8Array) this.size ??= source.byteLength
    this.#digest = new ConcurrentDigest(options.hashInThread === true ? this.size : undefined)
  }

  /** Rejects with `NOT_FOUND`, `PERMISSION_DENIED` or `INVALID_ARGUMENT` when a file cannot be read. */
  static async open(source: ByteSource, options: SourceReaderOptions): Promise<SourceReader> {
    throwIfAborted(options.signal, 'Reading the source')
    return new SourceReader(source, options, isFileSource(source) ? await openFile(source.path) : undefined)
  }

  /** The permission bits of a file; `undefined` for bytes and streams. */
  get mode(): number | undefined {
    return this.#file === undefined ? undefined : Number(this.#file.before.mode) & 0o777
  }

  /** Bytes that can be read from any place, and again: all of bytes, and of a file as long as announced; else 0. */
  get rereadableBytes(): number {
    const bytes = this.#file === undefined ? byteLengthOf(this.#source) : Number(this.#file.before.size)
    return bytes === this.size ? bytes : 0
  }

  /**
   * The bytes `start` to before `end` of a source that can be read again, as often as needed; `start` is no further than
   * has been handed out. Its chunks are nobody else's: of bytes where they are, of a file in buffers that are not used
   * again. Rejects when the file fails, or ends before; that it has changed otherwise is found by `chunks`.
   */
  async *stretch(start: number, end: number): AsyncGenerator<Uint8Array, void, undefined> {
    if (start > this.#digest.bytes) throw this.#notReached(start)
    let position = start
    for await (const chunk of this.#again(start, end)) {
      throwIfAborted(this.#options.signal, 'Reading the source')
      await this.#take(chunk, position)
      position += chunk.byteLength
      yield chunk
    }
    if (position < end) throw this.#tooShort(position)
  }

  /**
   * The chunks, once, from byte `start` on, which is where a stretch has ended. Rejects when the source fails, changes, or
   * has not the size that was announced.
   */
  async *chunks(start = 0): AsyncGenerator<Uint8Array, void, undefined> {
    if (start !== this.#digest.bytes) throw this.#notReached(start)
    for await (const chunk of this.#unchecked(start)) {
      throwIfAborted(this.#options.signal, 'Reading the source')
      await this.#take(chunk, this.#digest.bytes)
      this.#refuseLonger()
      yield chunk
    }
    await this.assertUnchanged()
    this.#refuseShorter()
    await this.#digest.end()
    this.#result = { size: this.#digest.bytes, sha256: this.#digest.sha256() }
  }

  /** Rejects with `INVALID_ARGUMENT` when the source is a file that has changed since it was opened. */
  async assertUnchanged(): Promise<void> {
    if (this.#file !== undefined) await refuseChanged(this.#file)
  }

  /** Size in bytes and lower-case hexadecimal digest of all chunks; only after the last. */
  result(): { readonly size: number; readonly sha256: string } {
    if (this.#result === undefined) throw new Error('The source has not been read to its end')
    return this.#result
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#digest.abandon()
    await this.#file?.handle.close()
  }

  #unchecked(start: number): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
    const { chunkBytes, chunksHeld, copyBytes = false, signal } = this.#options
    const { inThread, allocate } = this.#digest
    // The digest is one more who may still be using a chunk when the next one is asked for.
    const held = inThread ? Math.max(1, chunksHeld) : chunksHeld
    if (this.#file !== undefined) {
      // One that says it is empty, as those of /proc do, is asked for a byte.
      const end = Math.max(1, Number(this.#file.before.size))
      const bufferOf = inTurn({ ring: held + 2, allocate })
      return fileChunks(this.#file, { start, end, chunkBytes, bufferOf })
    }
    if (this.#source instanceof Uint8Array) {
      const chunks = slices(this.#source.subarray(start), chunkBytes)
      return copyBytes || inThread ? copies(chunks, { ring: held + 1, allocate }) : chunks
    }
    if (isFileSource(this.#source)) throw new Error('A file source is opened before it is read')
    return rechunk(untilAborted(this.#source, signal), chunkBytes, { ring: held + 1, allocate })
  }

  /**
   * The bytes of a source that can be read again. Not in memory that threads share: of that nobody counts how much waits
   * to be collected, so that its buffers have to go round.
   */
  #again(start: number, end: number): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
    const chunkBytes = stretchChunkBytes
    if (this.#file !== undefined)
      return fileChunks(this.#file, { start, end, chunkBytes, bufferOf: newBuffer })
    if (this.#source instanceof Uint8Array) return slices(this.#source.subarray(start, end), chunkBytes)
    throw new Error('A stream cannot be read again')
  }

  /** Feeds the digests with what they have not been fed yet of a chunk that begins at byte `start`. */
  async #take(chunk: Uint8Array, start: number): Promise<void> {
    const unseen = await this.#digest.take(chunk, start)
    this.#options.checksum?.update(unseen)
  }

  #notReached(start: number): Error {
    return new Error(`The source has been read to byte ${this.#digest.bytes}, not to ${start}`)
  }

  #refuseLonger(): void {
    if (this.size === undefined || this.#digest.bytes <= this.size) return
    if (this.#file !== undefined) throw changed(this.#file.path, 'grew')
    throw new HoldfastError('INVALID_ARGUMENT', `The source is longer than the ${this.size} bytes announced.`)
  }

  #refuseShorter(): void {
    if (this.size !== undefined && this.#digest.bytes !== this.size) throw this.#tooShort(this.#digest.bytes)
  }

  #tooShort(bytes: number): HoldfastError {
    if (this.#file !== undefined) return changed(this.#file.path, 'shrank')
    return new HoldfastError(
      'INVALID_ARGUMENT',
      `The source ended after ${bytes} of the ${this.size ?? 0} bytes announced.`,
    )
  }
}

/** 0 where it is not known beforehand. */
function byteLengthOf(source: ByteSource): number {
  return source instanceof Uint8Array ? source.byteLength : 0
}
