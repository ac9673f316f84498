import { createHash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { ThreadHash } from './thread-hash.ts'

export type HashAlgorithm = 'sha256' | 'md5'

/** A hash on its way. */
interface Hashing {
  update(chunk: Uint8Array): Promise<void>
  digest(): Promise<string>
  abandon(): void
}

/**
 * A hash that is fed piece by piece: by another thread where the first piece is in shared memory, so that this one is
 * free for something else; else by this one. It must be ended.
 *
 * @example
 * const hash = new ConcurrentHash('md5')
 * await Promise.all([hash.update(chunk), send(chunk)])
 * await hash.digest()
 */
export class ConcurrentHash {
  readonly #algorithm: HashAlgorithm
  #hashing: Promise<Hashing> | undefined

  constructor(algorithm: HashAlgorithm) {
    this.#algorithm = algorithm
  }

  /** Resolves when the chunk is hashed: until then it must not change. Chunks count in the order of the calls. */
  async update(chunk: Uint8Array): Promise<void> {
    this.#hashing ??= begin(this.#algorithm, chunk)
    await (await this.#hashing).update(chunk)
  }

  /** Lower-case hexadecimal. Ends it. */
  async digest(): Promise<string> {
    return (await (this.#end() ?? new HashingHere(this.#algorithm))).digest()
  }

  /** Ends it without a digest, if it has not ended yet. */
  abandon(): void {
    this.#end()?.then(
      (hashing) => {
        hashing.abandon()
      },
      () => undefined, // thrown by `update`
    )
  }

  #end(): Promise<Hashing> | undefined {
    const hashing = this.#hashing
    this.#hashing = undefined
    return hashing
  }
}

/** Whether there is another processor for a second thread, and leave to start one. */
export function mayHashInThread(): boolean {
  // There only under Node's permission model, which withholds threads unless `--allow-worker` is given.
  const permission = process.permission as NodeJS.ProcessPermission | undefined
  return availableParallelism() > 1 && (permission === undefined || permission.has('worker'))
}

async function begin(algorithm: HashAlgorithm, { buffer }: Uint8Array): Promise<Hashing> {
  const inThread = buffer instanceof SharedArrayBuffer && mayHashInThread()
  return inThread ? ThreadHash.begin(algorithm) : new HashingHere(algorithm)
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
    // It holds nothing.
  }
}
