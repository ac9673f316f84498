import type { Worker } from 'node:worker_threads'
import { defaultThreads } from '../async/threads.ts'
import { HoldfastError, messageOf } from '../errors.ts'

/**
 * One thread hashes one file. A thread takes about 15 MiB of memory, and a processor while it hashes. One processor is left
 * for the transfer.
 */
const mostThreads = defaultThreads()

/**
 * Messages to the thread start with the number of a hash. A string starts the hash with that algorithm; it gets no
 * answer. Bytes are added, and answered with an empty string. `null` ends the hash, and is answered with the digest.
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

/** A thread that computes hashes. It keeps the process alive only while an answer is awaited. */
class HashingThread {
  readonly #worker: Worker
  /** Unanswered questions, oldest first. */
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
      this.#end(new Error('The hashing thread exited before it responded.'))
    })
  }

  /** Number of hashes that were started and have not ended. */
  get underWay(): number {
    return this.#underWay
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined
  }

  /** Starts a hash and returns its number. */
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

  #end(cause: Error): void {
    this.#failure ??= new HoldfastError(
      'UNAVAILABLE',
      `The thread that computes digests has ended. (${cause.message}) Repeat the call, which starts another thread.`,
      { cause, retryable: true },
    )
    for (const { fail } of this.#asked.splice(0)) fail(this.#failure)
  }
}

const threads: HashingThread[] = []
let hasWarned = false

/**
 * Returns an idle thread, a new thread while fewer than `mostThreads` exist, or the thread with the fewest hashes. Returns
 * `undefined` if there is none and the machine refuses to start one.
 */
async function leastBusy(): Promise<HashingThread | undefined> {
  // Loaded on first use: most processes never hash enough bytes to need it.
  const { Worker } = await import('node:worker_threads')
  const living = threads.filter(({ hasFailed }) => !hasFailed)
  const [best] = living.sort((one, other) => one.underWay - other.underWay)
  if (best !== undefined && (best.underWay === 0 || living.length >= mostThreads)) return best
  try {
    const worker = new Worker(script, { name: 'holdfast-hashing', eval: true, execArgv: [] })
    const thread = new HashingThread(worker)
    threads.splice(0, threads.length, ...living, thread)
    return thread
  } catch (error) {
    warnOnce(error)
    return best
  }
}

function warnOnce(error: unknown): void {
  if (hasWarned) return
  hasWarned = true
  process.emitWarning(
    `No further thread could be started, so large files take longer to hash. (${messageOf(error)}) Allow this process more threads.`,
    { type: 'HoldfastWarning', code: 'HOLDFAST_NO_THREADS' },
  )
}

/** A hash that another thread computes, of bytes in shared memory. */
export class ThreadHash {
  readonly #thread: HashingThread
  readonly #number: number

  private constructor(thread: HashingThread, number: number) {
    this.#thread = thread
    this.#number = number
  }

  /** Starts a hash. Returns `undefined` if no thread can compute it. */
  static async begin(algorithm: string): Promise<ThreadHash | undefined> {
    const thread = await leastBusy()
    return thread && new ThreadHash(thread, thread.begin(algorithm))
  }

  /** Adds bytes, and resolves when they are hashed. Until then they must not change. */
  async update(chunk: Uint8Array): Promise<void> {
    await this.#thread.update(this.#number, chunk)
  }

  /** Ends the hash and returns it in lower-case hexadecimal. */
  async digest(): Promise<string> {
    return this.#thread.end(this.#number)
  }

  /** Discards the hash without computing a digest. */
  abandon(): void {
    this.digest().catch(() => undefined) // if the thread has exited, the hash is gone too
  }
}
