import type { Worker } from 'node:worker_threads'
import { messageOf } from '../../../errors.ts'
import { replacedAuthorities } from '../../connections/authorities.ts'
import type { DirectRequest, DirectResponse, Receiver } from '../receiver.ts'
import type { ThreadSettings } from './messages.ts'
import { ReceivingThread } from './thread.ts'

/** The heap for new objects of a thread in MiB. Bodies are not in the heap, so a small one is enough. */
const youngGenerationMb = 4

interface ThreadCode {
  readonly Worker: typeof Worker
  readonly receivingScript: () => URL | string
}

/** Loads what starts a thread. Most processes never receive enough bytes to need it. */
async function loadCode(): Promise<ThreadCode> {
  const [{ Worker }, { receivingScript }] = await Promise.all([
    import('node:worker_threads'),
    import('./receiving-script.ts'),
  ])
  return { Worker, receivingScript }
}

/**
 * Sends GET requests from several threads, each of which has its own connections. The bodies are received into shared memory.
 * A thread starts when a request needs it, and is replaced if it ends.
 */
export class ThreadedConnections implements Receiver {
  readonly #most: number
  readonly #settings: ThreadSettings
  readonly #here: Receiver
  #threads: readonly ReceivingThread[] = []
  #code: Promise<ThreadCode> | undefined
  #cannotStart = false
  #isDestroyed = false

  /** `most` is the number of threads. `here` sends all requests if the system starts no threads. */
  constructor(most: number, settings: ThreadSettings, here: Receiver) {
    this.#most = most
    this.#settings = settings
    this.#here = here
  }

  async get(request: DirectRequest, signal: AbortSignal | undefined): Promise<DirectResponse | undefined> {
    this.#code ??= loadCode()
    const code = await this.#code
    this.#refuseDestroyed()
    const thread = this.#leastBusy(code)
    if (thread === undefined) return this.#here.get(request, signal)
    try {
      return await thread.get(request, signal)
    } catch (error) {
      this.#refuseDestroyed() // which ends a thread that has not started yet
      if (!thread.couldNotStart) throw error
      this.#warn(error)
      return this.#here.get(request, signal)
    }
  }

  destroy(): void {
    this.#isDestroyed = true
    for (const thread of this.#threads) thread.end()
    this.#threads = []
  }

  /**
   * Returns an idle thread, a new one while there are fewer than allowed, or the one with the fewest requests. Returns
   * `undefined` if no thread can be started.
   */
  #leastBusy(code: ThreadCode): ReceivingThread | undefined {
    this.#threads = this.#threads.filter(({ failure }) => failure === undefined)
    const [best] = this.#threads.toSorted((one, other) => one.underWay - other.underWay)
    if (best !== undefined && (best.underWay === 0 || this.#threads.length >= this.#most)) return best
    return this.#cannotStart ? undefined : this.#start(code)
  }

  #start({ Worker, receivingScript }: ThreadCode): ReceivingThread | undefined {
    try {
      const script = receivingScript()
      const authorities = this.#settings.authorities ?? replacedAuthorities()
      const worker = new Worker(script, {
        name: 'holdfast-receiving',
        eval: typeof script === 'string',
        execArgv: [],
        workerData: { ...this.#settings, authorities } satisfies ThreadSettings,
        resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
      })
      const thread = new ReceivingThread(worker)
      this.#threads = [...this.#threads, thread]
      return thread
    } catch (error) {
      this.#warn(error)
      return undefined
    }
  }

  #refuseDestroyed(): void {
    if (!this.#isDestroyed) return
    throw Object.assign(new Error('The connections were closed'), { code: 'ECONNRESET' })
  }

  #warn(error: unknown): void {
    if (this.#cannotStart) return
    this.#cannotStart = true
    process.emitWarning(
      `No receiving thread could be started, so large files are received on the main thread. (${messageOf(error)}) Set threads to 1 if this is expected.`,
      { type: 'HoldfastWarning', code: 'HOLDFAST_NO_THREADS' },
    )
  }
}
