import type { Worker } from 'node:worker_threads'
import { messageOf } from '../../../errors.ts'
import { nodeErrorCode } from '../../../node-errors.ts'
import { replacedAuthorities } from '../../proxies/authorities.ts'
import type { DirectRequest, DirectResponse, Receiver } from '../receiver.ts'
import { RecentTargets } from '../recent-targets.ts'
import type { Sender, UploadRequest, WholeResponse } from '../sender.ts'
import type { ThreadSettings } from './messages.ts'
import { TransferThread } from './thread.ts'

/** The heap for new objects of a thread in MiB. Bodies are not in the heap, so a small one is enough. */
const youngGenerationMb = 4

/**
 * A thread that works for this share of its time is busy. Below it, the thread waits for the network, the hash or the disk, and
 * another thread would not make the transfer faster.
 */
const busyFrom = 0.8

/**
 * Codes of addresses, proxies (`tunnel.ts`), TLS and certificates: https://nodejs.org/api/errors.html and
 * https://nodejs.org/api/tls.html#x509-certificate-error-codes.
 */
const notConnected =
  /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|ENOTFOUND|EAI_\w+|EPROXY|EPROTO|ERR_(TLS|SSL)_\w+|UNABLE_TO_\w+|\w*CERT\w*)$/

interface ThreadCode {
  readonly Worker: typeof Worker
  readonly transferScript: () => URL | string
}

/** Loads what starts a thread. Most processes never transfer enough bytes to need it. */
async function loadCode(): Promise<ThreadCode> {
  const [{ Worker }, { transferScript }] = await Promise.all([
    import('node:worker_threads'),
    import('./transfer-script.ts'),
  ])
  return { Worker, transferScript }
}

/** What transfers on this thread if another one cannot. */
interface Here {
  readonly receiver: Receiver
  readonly sender: Sender
}

/**
 * Sends requests from several threads, each of which has its own connections. The bodies are received into shared memory, or
 * sent from there. A thread starts with the first request, and another one when all are busy. A thread that ends is replaced.
 */
export class ThreadedConnections implements Receiver, Sender {
  readonly #most: number
  readonly #settings: ThreadSettings
  readonly #here: Here
  readonly #busyFrom: number
  #threads: readonly TransferThread[] = []
  /** The targets to which a thread could not connect, although this one could. This one sends to them for a while. */
  readonly #sentHere = new RecentTargets()
  #code: Promise<ThreadCode> | undefined
  #cannotStart = false
  #isDestroyed = false

  /** `most` is the number of threads. A thread is busy if it works for the share `busy` of its time, from 0 to 1. */
  constructor(most: number, settings: ThreadSettings, here: Here, busy: number = busyFrom) {
    this.#most = most
    this.#busyFrom = busy
    this.#settings = settings
    this.#here = here
  }

  async get(request: DirectRequest, signal: AbortSignal | undefined): Promise<DirectResponse | undefined> {
    return this.#transfer(
      (thread) => thread.get(request, signal),
      () => this.#here.receiver.get(request, signal),
    )
  }

  /**
   * As `Sender.send`. If a thread cannot connect, this thread sends the request and those that follow for a while, because only
   * this one has the defaults of TLS and DNS that the program has set.
   */
  async send(request: UploadRequest, signal: AbortSignal | undefined): Promise<WholeResponse> {
    const here = (): Promise<WholeResponse> => this.#here.sender.send(request, signal)
    if (this.#sentHere.has(request)) return here()
    return this.#transfer(async (thread) => {
      try {
        return await thread.send(request, signal)
      } catch (error) {
        if (!couldNotConnect(error)) throw error
        const response = await here()
        this.#sentHere.add(request)
        return response
      }
    }, here)
  }

  destroy(): void {
    this.#isDestroyed = true
    for (const thread of this.#threads) thread.end()
    this.#threads = []
    this.#here.sender.destroy()
  }

  async #transfer<Result>(
    inThread: (thread: TransferThread) => Promise<Result>,
    here: () => Promise<Result>,
  ): Promise<Result> {
    this.#code ??= loadCode()
    const code = await this.#code
    this.#refuseDestroyed()
    const thread = this.#leastBusy(code)
    if (thread === undefined) return here()
    try {
      return await inThread(thread)
    } catch (error) {
      this.#refuseDestroyed() // which ends a thread that has not started yet
      if (!thread.couldNotStart) throw error
      this.#warn(error)
      return here()
    }
  }

  /**
   * Returns the thread with the fewest requests, or a new one if all are busy and more are allowed. Returns `undefined` if there
   * is none and none can be started.
   */
  #leastBusy(code: ThreadCode): TransferThread | undefined {
    this.#threads = this.#threads.filter(({ failure }) => failure === undefined)
    const [best] = this.#threads.toSorted((one, other) => one.underWay - other.underWay)
    const areAllBusy =
      best?.underWay !== 0 && this.#threads.every(({ occupancy }) => occupancy >= this.#busyFrom)
    return areAllBusy && this.#threads.length < this.#most ? (this.#start(code) ?? best) : best
  }

  #start({ Worker, transferScript }: ThreadCode): TransferThread | undefined {
    if (this.#cannotStart) return undefined
    try {
      const script = transferScript()
      const authorities = this.#settings.authorities ?? replacedAuthorities()
      const worker = new Worker(script, {
        name: 'holdfast-transfer',
        eval: typeof script === 'string',
        execArgv: [],
        workerData: { ...this.#settings, authorities } satisfies ThreadSettings,
        resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
      })
      const thread = new TransferThread(worker)
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
      `No further transfer thread could be started, so large files are transferred on fewer threads or on the main thread. (${messageOf(error)}) Set threads to 1 if this is expected.`,
      { type: 'HoldfastWarning', code: 'HOLDFAST_NO_THREADS' },
    )
  }
}

/** Returns whether a thread failed to find the host, to reach it, or to agree on TLS with it. */
function couldNotConnect(error: unknown): boolean {
  // A time-out has the same code while a body is sent.
  return notConnected.test(nodeErrorCode(error) ?? '') || messageOf(error).startsWith('connect ETIMEDOUT')
}
