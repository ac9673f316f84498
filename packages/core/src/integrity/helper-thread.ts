import type { Worker } from 'node:worker_threads'
import { defaultThreads } from '../async/threads.ts'
import { HoldfastError, messageOf } from '../errors.ts'

/**
 * An order that starts with the number of a hash is about that hash. A string starts it with that algorithm, and gets no answer.
 * Bytes are added, and answered with an empty string. `null` ends the hash, and is answered with the digest. Any other order
 * names files to read, and is answered with the outcomes, up to the first file that cannot be read. Each file is opened without waiting, so that a pipe which has taken
 * its place cannot stop the thread.
 */
const script = `
const { createHash } = require('node:crypto')
const { closeSync, constants, fstatSync, openSync, readSync } = require('node:fs')
const { parentPort } = require('node:worker_threads')
const hashes = new Map()
const beyond = Buffer.alloc(1)

function onHash(number, asked) {
  const begun = hashes.get(number)
  if (typeof asked === 'string') hashes.set(number, createHash(asked))
  else if (asked === null) {
    hashes.delete(number)
    parentPort.postMessage(begun.digest('hex'))
  } else {
    begun.update(asked)
    parentPort.postMessage('')
  }
}

function readAll({ files, room }) {
  const began = performance.now()
  const outcomes = []
  let offset = 0
  for (const { path, size } of files) {
    const outcome = tryToRead(path, room.subarray(offset, offset + size))
    outcomes.push(outcome)
    if (outcome.sha256 === undefined) break
    offset += size
  }
  return { outcomes, milliseconds: performance.now() - began }
}

function tryToRead(path, bytes) {
  try {
    return readOne(path, bytes)
  } catch ({ message, code, errno, syscall }) {
    return { failed: { message, code, errno, syscall, path } }
  }
}

function readOne(path, bytes) {
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    const before = fstatSync(file, { bigint: true })
    if (!before.isFile()) return { isNoFile: true }
    const filled = fill(file, bytes)
    const isLonger = bytes.byteLength === 0 && readSync(file, beyond, 0, 1, 0) > 0
    const after = fstatSync(file, { bigint: true })
    const size = BigInt(bytes.byteLength)
    if (isLonger || before.size > size || after.size > size) return { changed: 'grew' }
    if (filled < bytes.byteLength || after.size < size) return { changed: 'shrank' }
    if (before.mtimeNs !== after.mtimeNs) return { changed: 'changed' }
    return { sha256: createHash('sha256').update(bytes).digest('hex') }
  } finally {
    closeSync(file)
  }
}

function fill(file, bytes) {
  let filled = 0
  while (filled < bytes.byteLength) {
    const read = readSync(file, bytes, filled, bytes.byteLength - filled, filled)
    if (read === 0) break
    filled += read
  }
  return filled
}

parentPort.on('message', (order) => {
  if (Array.isArray(order)) onHash(...order)
  else parentPort.postMessage(readAll(order))
})
`

/** Files to read one after the other into shared memory, which has room for exactly their bytes. */
export interface ReadOrder {
  readonly files: readonly { readonly path: string; readonly size: number }[]
  readonly room: Uint8Array
}

/** What became of one file: its SHA-256 in lower-case hexadecimal, or why it could not be read. */
export type ReadOutcome =
  | { readonly sha256: string }
  | { readonly isNoFile: true }
  | { readonly changed: 'grew' | 'shrank' | 'changed' }
  | { readonly failed: Pick<NodeJS.ErrnoException, 'message' | 'code' | 'errno' | 'syscall' | 'path'> }

type HashOrder = readonly [number: number, asked: Uint8Array | null]
/** What became of the files of an order, up to the first one that could not be read. */
export interface ReadAnswer {
  readonly outcomes: readonly ReadOutcome[]
  /** How long the reads took. */
  readonly milliseconds: number
}

type Answer = string | ReadAnswer

interface Question {
  readonly answer: (answer: Answer) => void
  readonly fail: (error: Error) => void
}

/**
 * A thread that computes hashes, and reads and hashes small files. It keeps the process alive only while an answer is awaited.
 */
export class HelperThread {
  readonly #worker: Worker
  /** Unanswered questions, oldest first. */
  readonly #asked: Question[] = []
  #begun = 0
  #underWay = 0
  #failure: Error | undefined

  constructor(worker: Worker) {
    this.#worker = worker
    worker.unref()
    worker.on('message', (answer: Answer) => {
      this.#asked.shift()?.answer(answer)
      if (this.#asked.length === 0) worker.unref()
    })
    worker.on('error', (error: Error) => {
      this.#end(error)
    })
    worker.on('exit', () => {
      this.#end(new Error('The thread exited before it responded.'))
    })
  }

  /** Number of hashes, and of rows of reads, that were started and have not ended. */
  get underWay(): number {
    return this.#underWay
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined
  }

  /** Starts a hash and returns its number. */
  beginHash(algorithm: string): number {
    this.#begun += 1
    this.#underWay += 1
    this.#worker.postMessage([this.#begun, algorithm])
    return this.#begun
  }

  async update(number: number, chunk: Uint8Array): Promise<void> {
    await this.#ask([number, chunk])
  }

  async endHash(number: number): Promise<string> {
    this.#underWay -= 1
    return this.#ask([number, null])
  }

  /** Starts a row of reads. */
  beginReads(): void {
    this.#underWay += 1
  }

  /** Reads files up to their sizes. */
  async read(order: ReadOrder): Promise<ReadAnswer> {
    return this.#ask(order)
  }

  endReads(): void {
    this.#underWay -= 1
  }

  #ask(order: HashOrder): Promise<string>
  #ask(order: ReadOrder): Promise<ReadAnswer>
  #ask(order: HashOrder | ReadOrder): Promise<Answer> {
    return new Promise((answer, fail) => {
      if (this.#failure !== undefined) {
        fail(this.#failure)
        return
      }
      if (this.#asked.length === 0) this.#worker.ref()
      this.#asked.push({ answer, fail })
      this.#worker.postMessage(order)
    })
  }

  #end(cause: Error): void {
    this.#failure ??= new HoldfastError(
      'UNAVAILABLE',
      `The thread that reads and hashes files has ended. (${cause.message}) Repeat the call, which starts another thread.`,
      { cause, retryable: true },
    )
    for (const { fail } of this.#asked.splice(0)) fail(this.#failure)
  }
}

const threads: HelperThread[] = []
let hasWarned = false

/**
 * Returns an idle thread, a new thread while fewer than `most` exist, or the thread with the least to do. Returns `undefined` if
 * there is none and the machine refuses to start one.
 *
 * One thread hashes one file, or reads small ones. A thread takes about 15 MiB of memory, and a processor while it works. The
 * default leaves one processor for the transfer.
 */
export async function leastBusyThread(most = defaultThreads()): Promise<HelperThread | undefined> {
  // Loaded on first use: most processes never hash enough bytes to need it.
  const { Worker } = await import('node:worker_threads')
  const living = threads.filter(({ hasFailed }) => !hasFailed)
  const [best] = living.sort((one, other) => one.underWay - other.underWay)
  if (best !== undefined && (best.underWay === 0 || living.length >= most)) return best
  try {
    const worker = new Worker(script, { name: 'holdfast-helper', eval: true, execArgv: [] })
    const thread = new HelperThread(worker)
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
    `No further thread could be started, so saves and restores take longer. (${messageOf(error)}) Allow this process more threads.`,
    { type: 'HoldfastWarning', code: 'HOLDFAST_NO_THREADS' },
  )
}
