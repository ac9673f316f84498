import { ConcurrentHash, mayHashInThread } from './concurrent-hash.ts'

/** Fewer bytes are hashed sooner than a thread has begun. */
const worthAThread = 32 * 2 ** 20

/**
 * The SHA-256 of chunks, computed while they pass. Where they are many, and in buffers that it has allocated, another
 * thread hashes them, so that this one is free to move them.
 *
 * @example
 * const digest = new ConcurrentDigest(size)
 * for await (const chunk of digest.passing(chunksIn(digest.allocate))) await send(chunk)
 * digest.sha256()
 */
export class ConcurrentDigest {
  /** Whether another thread hashes what is in buffers of `allocate`. */
  readonly inThread: boolean
  readonly #hash = new ConcurrentHash('sha256')
  /** When the chunk that was taken last is hashed. */
  #hashed: Promise<void> | undefined
  #bytes = 0
  #sha256: string | undefined

  /** Of so many bytes in all; of a few, or of who knows how many, this thread hashes each. */
  constructor(total = 0) {
    this.inThread = total >= worthAThread && mayHashInThread()
  }

  /** Of what has been taken. */
  get bytes(): number {
    return this.#bytes
  }

  /** A buffer for chunks: in memory that threads share where there are two. `fetch` does not send such. */
  readonly allocate = (bytes: number): Buffer =>
    this.inThread ? Buffer.from(new SharedArrayBuffer(bytes)) : Buffer.allocUnsafeSlow(bytes)

  /** The chunks, once. Each one must stay as it is until the one after it is given; or the end is. */
  async *passing(
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of chunks) {
        await this.take(chunk)
        yield chunk
      }
      await this.end()
    } finally {
      this.abandon()
    }
  }

  /**
   * Takes a chunk, which must stay as it is until the one after it is taken; or the end is. It begins at byte `start`,
   * which may have been taken before: what has not been counts, and is given.
   */
  async take(chunk: Uint8Array, start = this.#bytes): Promise<Uint8Array> {
    await this.#hashed
    const unseen = chunk.subarray(this.#bytes - start)
    this.#bytes += unseen.byteLength
    this.#hashed = this.#hash.update(unseen)
    this.#hashed.catch(() => undefined) // thrown where it is awaited
    return unseen
  }

  /** All has been taken. */
  async end(): Promise<void> {
    await this.#hashed
    this.#sha256 = await this.#hash.digest()
  }

  /** Lets go of what has not ended. */
  abandon(): void {
    this.#hash.abandon()
  }

  /** Lower-case hexadecimal; only after the end. */
  sha256(): string {
    if (this.#sha256 === undefined) throw new Error('The chunks have not passed to their end')
    return this.#sha256
  }
}
