import { HoldfastError, throwIfAborted } from '../errors.ts'
import { sha256Hex } from '../integrity/index.ts'
import { refuseUnknownOptions } from '../unknown-options.ts'
import type {
  BackendCapabilities,
  CallOptions,
  CheckpointBackend,
  CommitOutcome,
  DeleteReport,
  FreeSpace,
  ListOptions,
  ObjectHash,
  ObjectStat,
  PutOptions,
  PutResult,
  ReadableObject,
  ReadOptions,
  SweepOptions,
  SweepReport,
} from './backend.ts'
import { assertKey, compareKeys } from './key.ts'
import { portOptions } from './options.ts'
import { resolveRange } from './range.ts'
import { type ByteSource, SourceReader } from './source.ts'

interface StoredObject {
  readonly bytes: Uint8Array
  readonly modifiedAt: Date
  readonly revision: string
}

const chunkBytes = 1 << 20

/**
 * Keeps objects in this process's memory: for trying things out and for tests of programs that use Holdfast.
 * Nothing outlives the process, and a checkpoint takes as much memory as it has bytes.
 */
export class MemoryBackend implements CheckpointBackend {
  readonly url: string
  readonly capabilities: BackendCapabilities = {
    freeSpace: 'unbounded',
    hash: 'computed',
    localRoot: undefined,
    maxKeyBytes: 1024,
    maxObjectBytes: 2 ** 31,
    maxBufferedBytes: 2 ** 31,
  }
  readonly #objects = new Map<string, StoredObject>()
  readonly #now: () => Date
  #revisions = 0

  /** `now` is the store's clock. */
  constructor(url = 'mem:', now: () => Date = () => new Date()) {
    this.url = url
    this.#now = now
  }

  async put(key: string, source: ByteSource, options: PutOptions = {}): Promise<PutResult> {
    this.#check('put', key, options)
    await using reader = await SourceReader.open(source, {
      chunkBytes,
      chunksHeld: 0,
      size: options.size,
      signal: options.signal,
    })
    const chunks: Uint8Array[] = []
    let stored = 0
    for await (const chunk of reader.chunks()) {
      chunks.push(Uint8Array.from(chunk))
      stored += chunk.byteLength
      options.onProgress?.(stored)
    }
    throwIfAborted(options.signal, `Putting ${key}`, { key, url: this.url })
    this.#objects.set(key, this.#object(Buffer.concat(chunks)))
    const { size, revision } = this.#statOf(key)
    return { key, size, revision, sha256: reader.result().sha256 }
  }

  async commit(key: string, bytes: Uint8Array, options: CallOptions = {}): Promise<CommitOutcome> {
    this.#check('commit', key, options)
    if (this.#objects.has(key)) return 'exists'
    this.#objects.set(key, this.#object(Uint8Array.from(bytes)))
    return 'created'
  }

  async read(key: string, options: ReadOptions = {}): Promise<ReadableObject> {
    this.#check('read', key, options)
    const { bytes } = this.#get(key)
    const { start, end } = resolveRange(options.range, bytes.byteLength, key, this.url)
    let at = start
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        throwIfAborted(options.signal, `The read of ${key}`)
        if (at >= end) {
          controller.close()
          return
        }
        const next = Math.min(at + chunkBytes, end)
        controller.enqueue(Uint8Array.from(bytes.subarray(at, next)))
        at = next
      },
    })
    return { stat: this.#statOf(key), body }
  }

  async stat(key: string, options: CallOptions = {}): Promise<ObjectStat | undefined> {
    this.#check('stat', key, options)
    return this.#objects.has(key) ? this.#statOf(key) : undefined
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectStat> {
    refuseUnknownOptions(options, portOptions.list, 'list', this.url)
    const { startAfter, limit = Infinity, signal } = options
    const keys = [...this.#objects.keys()]
      .filter(
        (key) => key.startsWith(prefix) && (startAfter === undefined || compareKeys(key, startAfter) > 0),
      )
      .sort(compareKeys)
    let listed = 0
    for (const key of keys) {
      throwIfAborted(signal, `Listing ${prefix}`, { url: this.url })
      if (listed >= limit) return
      if (!this.#objects.has(key)) continue
      yield this.#statOf(key)
      listed += 1
    }
  }

  async delete(keys: readonly string[], options: CallOptions = {}): Promise<DeleteReport> {
    for (const key of keys) this.#check('delete', key, options)
    for (const key of keys) this.#objects.delete(key)
    return { deleted: [...keys], failed: [] }
  }

  async hash(key: string, options: CallOptions = {}): Promise<ObjectHash> {
    this.#check('hash', key, options)
    return { algorithm: 'sha256', value: sha256Hex(this.#get(key).bytes), origin: 'computed' }
  }

  async freeSpace(options: CallOptions = {}): Promise<FreeSpace> {
    refuseUnknownOptions(options, portOptions.freeSpace, 'freeSpace', this.url)
    throwIfAborted(options.signal, 'Measuring free space', { url: this.url })
    return { kind: 'unbounded' }
  }

  /** There is never unfinished work: a put becomes visible in one step. */
  async sweep(options: SweepOptions): Promise<SweepReport> {
    refuseUnknownOptions(options, portOptions.sweep, 'sweep', this.url)
    throwIfAborted(options.signal, 'Sweeping', { url: this.url })
    return { discarded: [], left: 0 }
  }

  async close(): Promise<void> {
    // Nothing to release: the objects live as long as this object.
  }

  #check(method: keyof typeof portOptions, key: string, options: CallOptions): void {
    refuseUnknownOptions(options, portOptions[method], method, this.url)
    assertKey(key, this.url)
    throwIfAborted(options.signal, `The ${method} of ${key}`, { key, url: this.url })
  }

  #object(bytes: Uint8Array): StoredObject {
    this.#revisions += 1
    return { bytes, modifiedAt: this.#now(), revision: String(this.#revisions) }
  }

  #get(key: string): StoredObject {
    const object = this.#objects.get(key)
    if (object === undefined) {
      throw new HoldfastError('NOT_FOUND', `There is no ${key} in ${this.url}.`, { key, url: this.url })
    }
    return object
  }

  #statOf(key: string): ObjectStat {
    const { bytes, modifiedAt, revision } = this.#get(key)
    return { key, size: bytes.byteLength, modifiedAt, revision }
  }
}
