import { mayWorkInThread } from '../async/threads.ts'
import { type HelperThread, leastBusyThread, type ReadAnswer, type ReadOrder } from './helper-thread.ts'

/**
 * Reads small files in another thread, which also hashes them. Each call of the file system then takes a few microseconds. On
 * this thread it would take more than 50: that is what handing it over to the pool of Node.js costs.
 *
 * @example
 * using reads = await ThreadReads.begin()
 * const { outcomes } = await reads?.read({ files, room: new Uint8Array(new SharedArrayBuffer(bytes)) })
 */
export class ThreadReads implements Disposable {
  readonly #thread: HelperThread

  private constructor(thread: HelperThread) {
    this.#thread = thread
    thread.beginReads()
  }

  /** Returns `undefined` if there is one processor only, or no thread can be started. */
  static async begin(): Promise<ThreadReads | undefined> {
    const thread = mayWorkInThread() ? await leastBusyThread() : undefined
    return thread && new ThreadReads(thread)
  }

  /** Reads files up to the first one that fails. The room must be in shared memory, and must not be used meanwhile. */
  async read(order: ReadOrder): Promise<ReadAnswer> {
    return this.#thread.read(order)
  }

  [Symbol.dispose](): void {
    this.#thread.endReads()
  }
}
