import type { BufferPool } from '../../source/buffer-pool.ts'
import { ReceivedBody } from '../received-body.ts'

/** The thread that a body comes from. */
export interface BodyThread {
  /**
   * Receives the body into the buffers, and counts its bytes in `received`. Settles when the thread uses the buffers no more,
   * and rejects if the body is not whole then.
   */
  receive(buffers: readonly Uint8Array[], received: BigUint64Array): Promise<void>
  /** Ends the request. */
  end(): void
}

/**
 * The body of a response that a thread receives, as a whole, into shared memory. It is as large as one range of an object.
 * It cannot be read as another stream.
 */
export class ThreadBody extends ReceivedBody {
  override readonly length: number
  readonly #thread: BodyThread
  readonly #received = new BigUint64Array(new SharedArrayBuffer(BigUint64Array.BYTES_PER_ELEMENT))
  /** Why the body was closed before its end. */
  #closed: Error | undefined
  #isOver = false

  constructor(length: number, thread: BodyThread) {
    super()
    this.on('error', () => undefined) // the reader of the body gets the error
    this.length = length
    this.#thread = thread
  }

  override get received(): number {
    return Number(Atomics.load(this.#received, 0))
  }

  override async *into(pool: BufferPool): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#closed !== undefined) throw this.#closed
    const buffers = Array.from({ length: Math.ceil(this.length / pool.bytes) }, () => pool.take())
    const failure = await this.#failureOf(buffers)
    this.#isOver = true
    try {
      let left = Math.min(this.received, this.length)
      for (const buffer of buffers) {
        if (left > 0) yield buffer.subarray(0, left)
        else pool.give(buffer)
        left -= buffer.byteLength
      }
      if (failure !== undefined) throw failure
    } finally {
      this.destroy()
    }
  }

  /** Receives the body, and returns why it is not whole. */
  async #failureOf(buffers: readonly Uint8Array[]): Promise<Error | undefined> {
    try {
      await this.#thread.receive(buffers, this.#received)
      return undefined
    } catch (error) {
      return this.#closed ?? (error instanceof Error ? error : new Error(String(error)))
    }
  }

  override _read(): void {
    this.destroy(new Error('The bytes of this body are in shared memory. Read them with into().'))
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#closed ??= error ?? new Error('The body was closed')
    if (!this.#isOver) this.#thread.end()
    done(error)
  }
}
