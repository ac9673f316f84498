import type { Worker } from 'node:worker_threads'

/** Gets an algorithm to begin with; then bytes, and null where they end: answers each of these, the end with the digest. */
const script = `
const { createHash } = require('node:crypto')
const { parentPort } = require('node:worker_threads')
let hash
parentPort.on('message', (asked) => {
  if (typeof asked === 'string') hash = createHash(asked)
  else if (asked === null) parentPort.postMessage(hash.digest('hex'))
  else {
    hash.update(asked)
    parentPort.postMessage('')
  }
})
`

interface Question {
  readonly answer: (answer: string) => void
  readonly fail: (error: Error) => void
}

/** A thread that computes one hash at a time. It keeps no process alive that is not waiting for it. */
export class HashingThread {
  static readonly #idle: HashingThread[] = []

  /** One that had nothing to do, or a new one. */
  static async take(algorithm: string): Promise<HashingThread> {
    const thread = HashingThread.#idle.pop() ?? (await HashingThread.#start())
    thread.#worker.postMessage(algorithm)
    return thread
  }

  static async #start(): Promise<HashingThread> {
    // Loaded when it is used: most processes never hash as much.
    const { Worker } = await import('node:worker_threads')
    return new HashingThread(new Worker(script, { name: 'holdfast-hashing', eval: true, execArgv: [] }))
  }

  readonly #worker: Worker
  /** What it has been asked and has not answered, in that order. */
  readonly #asked: Question[] = []
  #failure: Error | undefined

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.unref()
    worker.on('message', (answer: string) => {
      this.#asked.shift()?.answer(answer)
      if (this.#asked.length === 0) worker.unref()
    })
    worker.on('error', (error: Error) => {
      this.#end(error)
    })
    worker.on('exit', () => {
      this.#end(new Error('The thread that hashes has ended'))
    })
  }

  /** Resolves when the bytes, which are in shared memory, are hashed: until then they must not change. */
  async update(chunk: Uint8Array): Promise<void> {
    await this.#ask(chunk)
  }

  /** Lower-case hexadecimal, of all bytes since it was taken. Gives it back. */
  async digest(): Promise<string> {
    const digest = await this.#ask(null)
    HashingThread.#idle.push(this)
    return digest
  }

  /** Gives it back without. */
  abandon(): void {
    this.digest().catch(() => undefined) // it has ended, and is not given back
  }

  #ask(chunk: Uint8Array | null): Promise<string> {
    return new Promise((answer, fail) => {
      if (this.#failure !== undefined) {
        fail(this.#failure)
        return
      }
      if (this.#asked.length === 0) this.#worker.ref()
      this.#asked.push({ answer, fail })
      this.#worker.postMessage(chunk)
    })
  }

  #end(failure: Error): void {
    this.#failure ??= failure
    for (const { fail } of this.#asked.splice(0)) fail(this.#failure)
  }
}
