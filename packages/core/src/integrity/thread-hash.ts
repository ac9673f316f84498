import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'

/** Each takes some 15 MiB of memory, and a processor while it is at work: one is left to whoever moves the bytes. */
const mostThreads = Math.max(1, Math.min(2, availableParallelism() - 1))

/**
 * Gets the number of a hash, with an algorithm to begin it; then with bytes, and null where they end. Answers each of
 * these, the end with the digest.
 */
const script = `
const { createHash } = require('node:crypto')
const { parentPort } = require('node:worker_threads')
const hashes = new Map()
parentPort.on('message', ([number, asked]) => {
  const hash = hashes.get(number)
  if (typeof asked === 'string') hashes.set(number, createHash(asked))
  else if (asked === null) {
    hashes.delete(number)
    parentPort.postMessage(hash.digest('hex'))
  } else {
    hash.update(asked)
    parentPort.postMessage('')
  }
})
`

interface Question {
  readonly answer: (answer: string) => void
  readonly fail: (error: Error) => void
}

/** A thread that computes hashes. It keeps no process alive that is not waiting for it. */
class HashingThread {
  readonly #worker: Worker
  /** What it has been asked and has not answered, in that order. */
  readonly #asked: Question[] = []
  #begun = 0
  #underWay = 0
  #failure: Error | undefined

  constructor(worker: Worker) {
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

  /** Hashes that were begun and have not ended. */
  get underWay(): number {
    return this.#underWay
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined
  }

  /** Begins a hash, and gives its number. */
  begin(algorithm: string): number {
    this.#begun += 1
    this.#underWay += 1
    this.#worker.postMessage([this.#begun, algorithm])
    return this.#begun
  }

  async update(number: number, chunk: Uint8Array): Promise<void> {
    await this.#ask(number, chunk)
  }

  async end(number: number): Promise<string> {
    this.#underWay -= 1
    return this.#ask(number, null)
  }

  #ask(number: number, asked: Uint8Array | null): Promise<string> {
    return new Promise((answer, fail) => {
      if (this.#failure !== undefined) {
        fail(this.#failure)
        return
      }
      if (this.#asked.length === 0) this.#worker.ref()
      this.#asked.push({ answer, fail })
      this.#worker.postMessage([number, asked])
    })
  }

  #end(failure: Error): void {
    this.#failure ??= failure
    for (const { fail } of this.#asked.splice(0)) fail(this.#failure)
  }
}

const threads: HashingThread[] = []

/** One that has nothing to do, a new one while there are few, or the one that has the least to do. */
async function leastBusy(): Promise<HashingThread> {
  // Loaded when it is used: most processes never hash as much.
  const { Worker } = await import('node:worker_threads')
  const living = threads.filter(({ hasFailed }) => !hasFailed)
  const [best] = living.sort((one, other) => one.underWay - other.underWay)
  if (best !== undefined && (best.underWay === 0 || living.length >= mostThreads)) return best
  const thread = new HashingThread(new Worker(script, { name: 'holdfast-hashing', eval: true, execArgv: [] }))
  threads.splice(0, threads.length, ...living, thread)
  return thread
}

/** A hash that another thread computes, of bytes in memory that both see. */
export class ThreadHash {
  readonly #thread: HashingThread
  readonly #number: number

  private constructor(thread: HashingThread, number: number) {
    this.#thread = thread
    this.#number = number
  }

  static async begin(algorithm: string): Promise<ThreadHash> {
    const thread = await leastBusy()
    return new ThreadHash(thread, thread.begin(algorithm))
  }

  /** Resolves when the bytes are hashed: until then they must not change. */
  async update(chunk: Uint8Array): Promise<void> {
    await this.#thread.update(this.#number, chunk)
  }

  /** Lower-case hexadecimal. Ends it. */
  async digest(): Promise<string> {
    return this.#thread.end(this.#number)
  }

  /** Ends it without. */
  abandon(): void {
    this.digest().catch(() => undefined) // the thread is gone, and the hash with it
  }
}
