import { HoldfastError, throwIfAborted } from '../../errors.ts'
import { ConcurrentDigest } from '../../integrity/index.ts'
import { copies, inTurn, slices } from './buffers.ts'
import { isFileSource, isReopenable, type PutSource, type ReopenableSource } from './byte-source.ts'
import { changed, fileChunks, type OpenFile, openFile, refuseChanged } from './open-file.ts'
import { rechunk, untilAborted } from './stream-chunks.ts'

/** How a `SourceReader` divides a source into chunks. */
export interface SourceReaderOptions {
  /** The size of every chunk but the last, in bytes. */
  readonly chunkBytes: number
  /**
   * How many chunks the consumer may still use when it asks for the next one. The buffers of older chunks are
   * reused.
   */
  readonly chunksHeld: number
  /**
   * Whether bytes in memory are copied, chunk by chunk, before they are hashed. If a chunk fits the processor's cache,
   * hashing and writing the copy saves more time than the copy costs. Default: false.
   */
  readonly copyBytes?: boolean | undefined
  /**
   * Whether another thread may hash a large source. Its chunks are then in shared memory, which `fetch` cannot send.
   * Default: false.
   */
  readonly hashInThread?: boolean | undefined
  /**
   * The largest number of threads that hash at once. Default: one processor is left for the transfer. A caller that transfers
   * nothing may use all (`threadsOnAllProcessors`).
   */
  readonly hashingThreads?: number | undefined
  /** The exact number of bytes, if the caller knows it. */
  readonly size?: number | undefined
  /** A second checksum. It gets every byte once and in order, before the byte is handed out. */
  readonly checksum?: Checksum | undefined
  /** Gets every byte once and in order, as the checksum does. */
  readonly observer?: Checksum | undefined
  readonly signal?: AbortSignal | undefined
}

/** A checksum beside the SHA-256, such as the one that a store verifies. */
export interface Checksum {
  update(bytes: Uint8Array): unknown
}

/** The size in bytes of the chunks of a range that is sent as a whole. Three of them are in use. */
const replayChunkBytes = 2 ** 20

/** The consumer uses one chunk of a replay and has asked for the next one, and a third is read ahead. */
const replayRing = 3

/**
 * Reads a source from start to end, and computes the size and SHA-256 of the bytes that it hands out. The bytes of a
 * replayable source can be read again up to the point that was handed out. Each byte counts once.
 *
 * Reading ahead, hashing, and the consumer's work on the previous chunk overlap.
 *
 * @example
 * await using reader = await SourceReader.open(source, { chunkBytes: 4 << 20, chunksHeld: 1 })
 * for await (const chunk of reader.chunks()) await handle.write(chunk)
 * const { size, sha256 } = reader.result()
 */
export class SourceReader implements AsyncDisposable {
  /** The size in bytes, if it is known before reading. */
  readonly size: number | undefined
  readonly #source: PutSource
  readonly #options: SourceReaderOptions
  readonly #file: OpenFile | undefined
  readonly #digest: ConcurrentDigest
  #result: { readonly size: number; readonly sha256: string } | undefined

  private constructor(source: PutSource, options: SourceReaderOptions, file: OpenFile | undefined) {
    this.#source = source
    this.#options = options
    this.#file = file
    this.size = options.size ?? (file === undefined ? undefined : Number(file.before.size))
    if (source instanceof Uint8Array) this.size ??= source.byteLength
    this.#digest = new ConcurrentDigest(
      options.hashInThread === true ? this.size : undefined,
      options.hashingThreads,
    )
  }

  /** Opens a source. Rejects with `NOT_FOUND`, `PERMISSION_DENIED` or `INVALID_ARGUMENT` if a file cannot be read. */
  static async open(source: PutSource, options: SourceReaderOptions): Promise<SourceReader> {
    throwIfAborted(options.signal, 'Reading the source')
    return new SourceReader(source, options, isFileSource(source) ? await openFile(source.path) : undefined)
  }

  /** The permission bits of a file; `undefined` for bytes and streams. */
  get mode(): number | undefined {
    return this.#file === undefined ? undefined : Number(this.#file.before.mode) & 0o777
  }

  /**
   * The number of bytes that can be read repeatedly: all for bytes in memory and for files of the announced size, else
   * 0.
   */
  get replayableBytes(): number {
    const bytes = this.#file === undefined ? byteLengthOf(this.#source) : Number(this.#file.before.size)
    return bytes === this.size ? bytes : 0
  }

  /**
   * Yields the bytes from `start` to `end` (exclusive) of a replayable source, any number of times. `start` must not
   * lie beyond the bytes that were handed out. The chunks are views of the source's bytes. For a file, a chunk is valid
   * until the consumer asks for the second chunk after it, since few buffers are reused. Rejects if the file cannot be read or is too short. Other changes of the file are detected by `chunks`.
   */
  async *replay(start: number, end: number): AsyncGenerator<Uint8Array, void, undefined> {
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
   * Yields the chunks from byte `start` on, once. `start` must be the end of the range that was read before. Rejects if
   * the source fails, changes, or does not have the announced size.
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

  /** Rejects with `INVALID_ARGUMENT` if the source is a file that has changed since it was opened. */
  async assertUnchanged(): Promise<void> {
    if (this.#file !== undefined) await refuseChanged(this.#file)
  }

  /** Returns the size in bytes and the lower-case hexadecimal digest. Call it after the last chunk. */
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
    // The digest may still use a chunk when the consumer asks for the next one.
    const held = inThread ? Math.max(1, chunksHeld) : chunksHeld
    if (this.#file !== undefined) {
      // Files of /proc report a size of 0 although they have content, so at least one byte is read.
      const end = Math.max(1, Number(this.#file.before.size))
      const bufferOf = inTurn({ ring: held + 2, allocate })
      return fileChunks(this.#file, { start, end, chunkBytes, bufferOf })
    }
    if (this.#source instanceof Uint8Array) {
      const chunks = slices(this.#source.subarray(start), chunkBytes)
      return copyBytes || inThread ? copies(chunks, { ring: held + 1, allocate }) : chunks
    }
    if (isFileSource(this.#source)) throw new Error('A file source is opened before it is read')
    const stream = isReopenable(this.#source) ? opened(this.#source, signal) : this.#source
    // A buffer that is never filled costs no memory, but V8 counts it, and collects garbage more often.
    const bufferBytes = Math.max(1, Math.min(chunkBytes, this.size ?? chunkBytes))
    return rechunk(untilAborted(stream, signal), bufferBytes, { ring: held + 1, allocate })
  }

  #again(start: number, end: number): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
    const chunkBytes = replayChunkBytes
    if (this.#file !== undefined) {
      const bufferOf = inTurn({ ring: replayRing, allocate: this.#digest.allocate })
      return fileChunks(this.#file, { start, end, chunkBytes, bufferOf })
    }
    if (this.#source instanceof Uint8Array) return slices(this.#source.subarray(start, end), chunkBytes)
    throw new Error('A stream cannot be read again')
  }

  /** Updates the digests with the bytes of a chunk that they have not seen yet. The chunk begins at byte `start`. */
  async #take(chunk: Uint8Array, start: number): Promise<void> {
    const unseen = await this.#digest.take(chunk, start)
    this.#options.checksum?.update(unseen)
    this.#options.observer?.update(unseen)
  }

  #notReached(start: number): Error {
    return new Error(`The source was read to byte ${this.#digest.bytes}, not to ${start}`)
  }

  #refuseLonger(): void {
    if (this.size === undefined || this.#digest.bytes <= this.size) return
    if (this.#file !== undefined) throw changed(this.#file.path, 'grew')
    throw new HoldfastError('INVALID_ARGUMENT', `The source is longer than the announced ${this.size} bytes.`)
  }

  #refuseShorter(): void {
    if (this.size !== undefined && this.#digest.bytes !== this.size) throw this.#tooShort(this.#digest.bytes)
  }

  #tooShort(bytes: number): HoldfastError {
    if (this.#file !== undefined) return changed(this.#file.path, 'shrank')
    return new HoldfastError(
      'INVALID_ARGUMENT',
      `The source ended after ${bytes} of the announced ${this.size ?? 0} bytes.`,
    )
  }
}

/** Returns the size of bytes in memory, and 0 for a stream. */
function byteLengthOf(source: PutSource): number {
  return source instanceof Uint8Array ? source.byteLength : 0
}

async function* opened(
  source: ReopenableSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* await source.open(0, signal)
}
