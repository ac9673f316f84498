import { createHash } from 'node:crypto'
import { mayWorkInThread } from '../async/threads.ts'
import { ThreadHash } from './thread-hash.ts'

export type HashAlgorithm = 'sha256' | 'md5'

/** A hash that is being computed. */
interface Hashing {
  update(chunk: Uint8Array): Promise<void>
  digest(): Promise<string>
  abandon(): void
}

/**
 * An incremental hash. If the first chunk is in shared memory, another thread computes the hash, so that this thread
 * stays free for other work. Otherwise, and if no thread can be started, this thread does. End every hash with `digest` or
 * `abandon`.
 *
 * @example
 * const hash = new ConcurrentHash('md5')
 * await Promise.all([hash.update(chunk), send(chunk)])
 * await hash.digest()
 */
export class ConcurrentHash {
  readonly #algorithm: HashAlgorithm
  readonly #threads: number | undefined
  #hashing: Promise<Hashing> | undefined

  /** `threads` is the largest number of threads that hash at once. Default: one processor is left for the transfer. */
  constructor(algorithm: HashAlgorithm, threads?: number) {
    this.#algorithm = algorithm
    this.#threads = threads
  }

  /** Adds a chunk, and resolves when it is hashed. Until then it must not change. The order of the calls counts. */
  async update(chunk: Uint8Array): Promise<void> {
    this.#hashing ??= begin(this.#algorithm, chunk, this.#threads)
    await (await this.#hashing).update(chunk)
  }

  /** Ends the hash and returns it in lower-case hexadecimal. */
  async digest(): Promise<string> {
    return (await (this.#end() ?? new HashingHere(this.#algorithm))).digest()
  }

  /** Discards the hash without computing a digest. Does nothing if the hash has already ended. */
  abandon(): void {
    this.#end()?.then(
      (hashing) => {
        hashing.abandon()
      },
      () => undefined, // `update` throws it
    )
  }

  #end(): Promise<Hashing> | undefined {
    const hashing = this.#hashing
    this.#hashing = undefined
    return hashing
  }
}

async function begin(
  algorithm: HashAlgorithm,
  { buffer }: Uint8Array,
  threads: number | undefined,
): Promise<Hashing> {
  const inThread = buffer instanceof SharedArrayBuffer && mayWorkInThread()
  return (inThread ? await ThreadHash.begin(algorithm, threads) : undefined) ?? new HashingHere(algorithm)
}

class HashingHere implements Hashing {
  readonly #hash

  constructor(algorithm: HashAlgorithm) {
    this.#hash = createHash(algorithm)
  }

  async update(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk)
  }

  async digest(): Promise<string> {
    return this.#hash.digest('hex')
  }

  abandon(): void {
    // The hash of Node.js needs no clean-up.
  }
}
