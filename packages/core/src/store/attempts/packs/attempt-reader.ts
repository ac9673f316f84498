import { orAborted } from '../../../async/or-aborted.ts'
import type { Look } from '../../../async/second-look.ts'
import { bytesOf } from '../../../backend/source/chunks-of.ts'
import { type AttemptId, type ManifestFile, objectKey } from '../../../catalog/documents/index.ts'
import { HoldfastError, isHoldfastError } from '../../../errors.ts'
import type { PayloadReader } from '../payload-reader.ts'
import { verifiedChunks, refuseOtherBytes } from '../read-verified.ts'
import { type PackRead, planReads } from './plan-reads.ts'

/** How many further reads of packs run while the files of one are used. */
const readsAhead = 3

/**
 * Opens the files of an attempt, verified by its manifest. Planned files that lie together in a pack are read together, and a
 * little ahead. Open them in the order of the list, so that few reads are in memory at once, and open all of them, because a
 * read stays in memory until its last file is opened. Disposing of the reader ends reads that are under way.
 *
 * @example
 * await using reader = new AttemptReader(backend, attempt, files)
 * for (const file of files) for await (const chunk of await reader.open(file, signal)) use(chunk)
 */
export class AttemptReader implements AsyncDisposable {
  readonly #backend: PayloadReader
  readonly #attempt: AttemptId
  #reads: readonly PackRead[] = []
  /** Where the files that were not opened yet lie: the read, and the offset in its bytes. */
  readonly #placeOf = new Map<ManifestFile, { readonly index: number; readonly offset: number }>()
  /** The reads of which some files were not opened yet. */
  readonly #underWay = new Map<number, Promise<Uint8Array>>()
  /** The number of files of each read that were not opened yet. */
  #unopened: number[] = []
  readonly #stop = new AbortController()
  /** The first read that has not begun. */
  #next = 0

  /** `files` are planned. Default: none, as long as it is not known which files will be opened. */
  constructor(backend: PayloadReader, attempt: AttemptId, files: readonly ManifestFile[] = []) {
    this.#backend = backend
    this.#attempt = attempt
    this.plan(files)
  }

  /** Replaces the files that will be opened. Must be called before the first of them is opened. */
  plan(files: readonly ManifestFile[]): void {
    this.#placeOf.clear()
    this.#reads = planReads(files)
    this.#unopened = this.#reads.map((read) => read.files.length)
    for (const [index, { start, files: together }] of this.#reads.entries())
      for (const file of together) this.#placeOf.set(file, { index, offset: file.offset - start })
  }

  /**
   * Returns the bytes of a file. Each planned file may be opened once, and again with the second look. The second look and
   * files that are not planned read nothing but the file. Iterating fails with `CORRUPT` if the bytes differ from the manifest.
   * Chunks are valid as with `verifiedChunks`.
   */
  async open(
    file: ManifestFile,
    signal: AbortSignal | undefined,
    look: Look = 1,
  ): Promise<AsyncIterable<Uint8Array>> {
    const place = look === 1 ? this.#placeOf.get(file) : undefined
    if (place === undefined) return verifiedChunks(this.#backend, this.#attempt, file, signal, look)
    this.#placeOf.delete(file)
    return this.#verified(file, this.#take(place.index), place.offset, signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await Promise.allSettled(this.#underWay.values())
    this.#underWay.clear()
  }

  async *#verified(
    file: ManifestFile,
    read: Promise<Uint8Array>,
    offset: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const all = await orAborted(read, signal, `The read of ${file.name}`)
    const bytes = all.subarray(offset, offset + file.size)
    refuseOtherBytes(this.#backend, this.#attempt, file, bytes)
    if (bytes.byteLength > 0) yield bytes
  }

  /** Returns the bytes of a read for one of its files. The bytes are released after the last one. */
  #take(index: number): Promise<Uint8Array> {
    const before = this.#underWay.get(index)
    const bytes = before ?? this.#begin(index)
    this.#next = Math.max(this.#next, index + 1)
    for (; this.#next < this.#reads.length && this.#next <= index + readsAhead; this.#next += 1)
      void this.#begin(this.#next)
    const unopened = (this.#unopened[index] ?? 1) - 1
    this.#unopened[index] = unopened
    if (unopened === 0) this.#underWay.delete(index)
    return bytes
  }

  #begin(index: number): Promise<Uint8Array> {
    const bytes = this.#read(index)
    bytes.catch(() => undefined) // thrown where a file is opened
    this.#underWay.set(index, bytes)
    return bytes
  }

  async #read(index: number): Promise<Uint8Array> {
    const read = this.#reads[index]
    if (read === undefined) throw new Error(`There is no read ${index}`)
    const { object, start, end } = read
    const key = objectKey(this.#attempt, object)
    try {
      const found = await this.#backend.read(key, { range: { start, end }, signal: this.#stop.signal })
      return await bytesOf(found, end - start)
    } catch (error) {
      if (!isHoldfastError(error, 'NOT_FOUND', 'INVALID_ARGUMENT')) throw error
      throw new HoldfastError('CORRUPT', `${key} is missing or shorter than the files in it`, {
        key,
        url: this.#backend.url,
        cause: error,
      })
    }
  }
}
