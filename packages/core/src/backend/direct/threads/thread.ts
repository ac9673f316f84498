import type { Worker } from 'node:worker_threads'
import type { DirectRequest, DirectResponse } from '../receiver.ts'
import type { UploadRequest, WholeResponse } from '../sender.ts'
import { type Order, receivedError, type Report } from './messages.ts'
import { Occupancy } from './occupancy.ts'
import { ThreadBody } from './thread-body.ts'

/** A report that is awaited. */
interface Awaited {
  readonly resolve: (report: Report) => void
  readonly reject: (error: Error) => void
}

/**
 * A transfer thread as the main thread sees it. It keeps the process alive only while a report is awaited. If the thread
 * ends, its requests fail with `ECONNRESET`, as if their connections had broken.
 */
export class TransferThread {
  readonly #worker: Worker
  readonly #awaited = new Map<number, Awaited>()
  /** The requests that have not ended, with their bodies. */
  readonly #open = new Set<number>()
  #begun = 0
  /** `undefined` before the first report, since the start of a thread says nothing about its transfers. */
  #occupancy: Occupancy | undefined
  #failure: Error | undefined

  constructor(worker: Worker) {
    this.#worker = worker
    worker.unref()
    let reason = ''
    worker.on('message', (report: Report) => {
      this.#occupancy ??= new Occupancy(worker.performance.eventLoopUtilization())
      this.#take(report)
    })
    worker.on('error', (error: Error) => {
      reason = ` (${error.message})`
    })
    worker.on('exit', () => {
      this.#fail(Object.assign(new Error(`The transfer thread ended${reason}`), { code: 'ECONNRESET' }))
    })
  }

  /** Number of requests that have not ended. */
  get underWay(): number {
    return this.#open.size
  }

  /** Share of its time that the thread has worked lately, from 0 to 1. */
  get occupancy(): number {
    return this.#occupancy?.at(this.#worker.performance.eventLoopUtilization()) ?? 0
  }

  /** Why the thread has ended; `undefined` while it runs. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** Whether the thread has ended before it did anything. Starting another thread would fail, too. */
  get couldNotStart(): boolean {
    return this.#failure !== undefined && this.#occupancy === undefined
  }

  /** As `Receiver.get`. The body can be received into shared memory only. */
  async get(request: DirectRequest, signal: AbortSignal | undefined): Promise<DirectResponse | undefined> {
    const report = await this.#begin((number) => ({ kind: 'get', number, request }), signal)
    if (report.kind !== 'begun') return undefined
    return { ...report.head, body: new ThreadBody(report.length, this.#bodyOf(report.number)) }
  }

  /** As `Sender.send`. */
  async send(request: UploadRequest, signal: AbortSignal | undefined): Promise<WholeResponse> {
    const report = await this.#begin((number) => ({ kind: 'send', number, request }), signal)
    if (report.kind !== 'answered')
      throw new Error(`The transfer thread reported ${report.kind} for an upload`)
    return report.response
  }

  /** Ends the thread with its connections. Its requests fail. */
  end(): void {
    void this.#worker.terminate()
  }

  /** Begins a request, and returns the first report about it. When the signal fires, the request ends. */
  async #begin(orderOf: (number: number) => Order, signal: AbortSignal | undefined): Promise<Report> {
    this.#begun += 1
    const number = this.#begun
    this.#open.add(number)
    const onAbort = (): void => {
      this.#post({ kind: 'end', number })
    }
    signal?.addEventListener('abort', onAbort)
    try {
      const begun = this.#ask(orderOf(number))
      if (signal?.aborted === true) onAbort()
      return await begun
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  #bodyOf(number: number): ConstructorParameters<typeof ThreadBody>[1] {
    return {
      receive: async (buffers, received) => {
        await this.#ask({ kind: 'receive', number, buffers, received })
      },
      end: () => {
        this.#open.delete(number)
        this.#post({ kind: 'end', number })
      },
    }
  }

  async #ask(order: Order): Promise<Report> {
    const { promise, resolve, reject } = Promise.withResolvers<Report>()
    if (this.#failure !== undefined) throw this.#failure
    if (this.#awaited.size === 0) this.#worker.ref()
    this.#awaited.set(order.number, { resolve, reject })
    this.#post(order)
    return promise
  }

  #post(order: Order): void {
    if (this.#failure === undefined) this.#worker.postMessage(order)
  }

  #take(report: Report): void {
    const { number } = report
    const awaited = this.#awaited.get(number)
    this.#awaited.delete(number)
    if (this.#awaited.size === 0) this.#worker.unref()
    if (report.kind !== 'begun') this.#open.delete(number)
    if (report.kind === 'failed') awaited?.reject(receivedError(report.error))
    else awaited?.resolve(report)
  }

  #fail(failure: Error): void {
    this.#failure ??= failure
    this.#open.clear()
    for (const { reject } of this.#awaited.values()) reject(this.#failure)
    this.#awaited.clear()
  }
}
