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
  #bytes = 0
  #sha256: string | undefined

  /** Of so many bytes in all; of a few, or of who knows how many, this thread hashes each. */
  constructor(total = 0) {
    this.inThread = total >= worthAThread && mayHashInThread()
  }

  /** Of what has passed. */
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
    const hash = new ConcurrentHash('sha256')
    let hashed: Promise<void> | undefined
    try {
      for await (const chunk of chunks) {
        await hashed
        this.#bytes += chunk.byteLength
        hashed = hash.update(chunk)
        hashed.catch(() => undefined) // thrown where it is awaited
        yield chunk
      }
      await hashed
      this.#sha256 = await hash.digest()
    } finally {
      if (this.#sha256 === undefined) hash.abandon()
    }
  }

  /** Lower-case hexadecimal; only after the last chunk. */
  sha256(): string {
    if (this.#sha256 === undefined) throw new Error('The chunks have not passed to their end')
    return this.#sha256
  }
}
