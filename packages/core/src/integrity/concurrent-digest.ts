import { mayWorkInThread } from '../async/threads.ts'
import { ConcurrentHash } from './concurrent-hash.ts'

/** Hashing fewer bytes takes less time than starting a thread. */
const worthAThread = 32 * 2 ** 20

/**
 * Computes the SHA-256 of chunks while they pass through. If the expected total is large and the chunks are in
 * buffers from `allocate`, another thread hashes them, so that this thread stays free to transfer them.
 *
 * @example
 * const digest = new ConcurrentDigest(size)
 * for await (const chunk of digest.passing(chunksIn(digest.allocate))) await send(chunk)
 * digest.sha256()
 */
export class ConcurrentDigest {
  /** Whether another thread hashes the chunks in buffers from `allocate`. */
  readonly inThread: boolean
  readonly #hash: ConcurrentHash
  /** Settles when the last chunk has been hashed. */
  #hashed: Promise<void> | undefined
  #bytes = 0
  #sha256: string | undefined

  /**
   * `total` is the expected size in bytes. Small or unknown sizes are hashed on this thread. `threads` is the largest number of
   * threads that hash at once. Default: one processor is left for the transfer.
   */
  constructor(total = 0, threads?: number) {
    this.inThread = total >= worthAThread && mayWorkInThread()
    this.#hash = new ConcurrentHash('sha256', threads)
  }

  /** Number of bytes taken so far. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Allocates a buffer for chunks. If another thread hashes, the buffer is in shared memory, which `fetch` refuses to
   * send.
   */
  readonly allocate = (bytes: number): Buffer =>
    this.inThread ? Buffer.from(new SharedArrayBuffer(bytes)) : Buffer.allocUnsafeSlow(bytes)

  /**
   * Yields the chunks and ends the digest. A chunk must not change until the next one is yielded, or the end is
   * reached.
   */
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
   * Adds a chunk to the digest. The chunk must not change before the next call of `take` or `end` resolves.
   *
   * `start` is the offset of the chunk in bytes. A chunk may overlap bytes that were taken before: only its new bytes
   * are hashed, and they are returned.
   */
  async take(chunk: Uint8Array, start = this.#bytes): Promise<Uint8Array> {
    await this.#hashed
    const unseen = chunk.subarray(this.#bytes - start)
    this.#bytes += unseen.byteLength
    this.#hashed = this.#hash.update(unseen)
    this.#hashed.catch(() => undefined) // the next `take` or `end` throws it
    return unseen
  }

  /** Ends the digest after the last chunk. Resolves when all bytes have been hashed. */
  async end(): Promise<void> {
    await this.#hashed
    this.#sha256 = await this.#hash.digest()
  }

  /** Discards the digest without computing it. Does nothing after `end`. */
  abandon(): void {
    this.#hash.abandon()
  }

  /** Returns the SHA-256 in lower-case hexadecimal. Throws before `end` has resolved. */
  sha256(): string {
    if (this.#sha256 === undefined)
      throw new Error(
        'The SHA-256 is not known before all chunks have passed. Read passing() to its end, or call end().',
      )
    return this.#sha256
  }
}
