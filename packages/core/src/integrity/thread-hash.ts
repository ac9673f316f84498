import { type HelperThread, leastBusyThread } from './helper-thread.ts'

/** A hash that another thread computes, of bytes in shared memory. */
export class ThreadHash {
  readonly #thread: HelperThread
  readonly #number: number

  private constructor(thread: HelperThread, number: number) {
    this.#thread = thread
    this.#number = number
  }

  /** Starts a hash on one of at most `threads` threads. Returns `undefined` if no thread can compute it. */
  static async begin(algorithm: string, threads?: number): Promise<ThreadHash | undefined> {
    const thread = await leastBusyThread(threads)
    return thread && new ThreadHash(thread, thread.beginHash(algorithm))
  }

  /** Adds bytes, and resolves when they are hashed. Until then they must not change. */
  async update(chunk: Uint8Array): Promise<void> {
    await this.#thread.update(this.#number, chunk)
  }

  /** Ends the hash and returns it in lower-case hexadecimal. */
  async digest(): Promise<string> {
    return this.#thread.endHash(this.#number)
  }

  /** Discards the hash without computing a digest. */
  abandon(): void {
    this.digest().catch(() => undefined) // if the thread has exited, the hash is gone too
  }
}
