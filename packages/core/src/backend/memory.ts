import { HoldfastError, throwIfAborted } from '../errors.ts'
import { sha256Hex } from '../integrity/index.ts'
import { fromNodeError } from '../node-errors.ts'
import type {
  ListOptions,
  ObjectStat,
  PutOptions,
  PutResult,
  ReadableObject,
  ReadOptions,
} from './backend.ts'
import { CheckedBackend, locatedError } from './checked.ts'
import { compareKeys } from './key.ts'
import { resolveRange } from './range.ts'
import type { PutSource } from './source/byte-source.ts'
import { SourceReader } from './source/source-reader.ts'

interface StoredObject {
  readonly bytes: Uint8Array
  readonly modifiedAt: Date
  readonly revision: string
}

const chunkBytes = 1 << 20

/**
 * Keeps objects in the memory of this process, for experiments and for tests of programs that use Holdfast. Everything
 * is lost when the process ends, and a checkpoint takes as much memory as it has bytes.
 */
export class MemoryBackend extends CheckedBackend {
  /** `now` is the store's clock. */
  constructor(url = 'mem:', now: () => Date = () => new Date()) {
    const objects = new Objects(url, now)
    super(
      url,
      {
        freeSpace: 'unbounded',
        hash: 'computed',
        localRoot: undefined,
        maxKeyBytes: 1024,
        maxObjectBytes: 2 ** 31,
        maxBufferedBytes: 2 ** 31,
        smallObjectsAtOnce: 64,
        resumesPuts: false,
      },
      {
        place: async () => url,
        put: (key, source, options) => put(objects, key, source, options),
        commit: async (key, bytes, { onCreated }) => {
          if (objects.has(key)) return 'exists'
          objects.set(key, Uint8Array.from(bytes))
          onCreated?.(objects.stat(key).revision)
          return 'created'
        },
        read: async (key, options) => read(objects, key, options),
        stat: async (key) => (objects.has(key) ? objects.stat(key) : undefined),
        list: (prefix, options) => list(objects, prefix, options),
        delete: async (keys) => {
          for (const key of keys) objects.delete(key)
          return { deleted: keys, failed: [] }
        },
        hash: async (key) => ({
          algorithm: 'sha256',
          value: sha256Hex(objects.get(key).bytes),
          origin: 'computed',
        }),
        freeSpace: async () => ({ kind: 'unbounded' }),
        // A put becomes visible in one step, so there is no unfinished work.
        sweep: async () => ({ discarded: [], left: 0 }),
        close: async () => {
          // The objects live as long as this backend, so there is nothing to release.
        },
        errorOf: (error, what, key) => locatedError(fromNodeError(error, what), key, url),
      },
    )
  }
}

class Objects {
  readonly url: string
  readonly #objects = new Map<string, StoredObject>()
  readonly #now: () => Date
  #revisions = 0

  constructor(url: string, now: () => Date) {
    this.url = url
    this.#now = now
  }

  has(key: string): boolean {
    return this.#objects.has(key)
  }

  set(key: string, bytes: Uint8Array): void {
    this.#revisions += 1
    this.#objects.set(key, { bytes, modifiedAt: this.#now(), revision: String(this.#revisions) })
  }

  delete(key: string): void {
    this.#objects.delete(key)
  }

  keys(): readonly string[] {
    return [...this.#objects.keys()]
  }

  get(key: string): StoredObject {
    const object = this.#objects.get(key)
    if (object === undefined) throw new HoldfastError('NOT_FOUND', `There is no ${key} in ${this.url}.`)
    return object
  }

  stat(key: string): ObjectStat {
    const { bytes, modifiedAt, revision } = this.get(key)
    return { key, size: bytes.byteLength, modifiedAt, revision }
  }
}

async function put(
  objects: Objects,
  key: string,
  source: PutSource,
  { size, signal, onProgress, observe, pace }: PutOptions,
): Promise<PutResult> {
  await using reader = await SourceReader.open(source, {
    chunkBytes,
    chunksHeld: 0,
    size,
    observer: observe?.(),
    signal,
  })
  const chunks: Uint8Array[] = []
  let stored = 0
  for await (const chunk of reader.chunks()) {
    await pace?.(chunk.byteLength, signal)
    chunks.push(Uint8Array.from(chunk))
    stored += chunk.byteLength
    onProgress?.(stored)
  }
  throwIfAborted(signal, `Putting ${key}`)
  objects.set(key, Buffer.concat(chunks))
  const { revision, modifiedAt: storedAt } = objects.get(key)
  return { key, ...reader.result(), revision, storedAt }
}

function read(objects: Objects, key: string, { range, signal }: ReadOptions): ReadableObject {
  const { bytes } = objects.get(key)
  const { start, end } = resolveRange(range, bytes.byteLength, key, objects.url)
  let at = start
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      throwIfAborted(signal, `The read of ${key}`)
      if (at >= end) {
        controller.close()
        return
      }
      const next = Math.min(at + chunkBytes, end)
      controller.enqueue(Uint8Array.from(bytes.subarray(at, next)))
      at = next
    },
  })
  return { stat: objects.stat(key), body }
}

async function* list(
  objects: Objects,
  prefix: string,
  { startAfter }: ListOptions,
): AsyncGenerator<ObjectStat> {
  const isWanted = (key: string): boolean =>
    key.startsWith(prefix) && (startAfter === undefined || compareKeys(key, startAfter) > 0)
  const keys = objects.keys().filter(isWanted).sort(compareKeys)
  let lastExisted = true
  for (const key of keys) {
    lastExisted = objects.has(key)
    if (lastExisted) yield objects.stat(key)
  }
  if (!lastExisted) yield* list(objects, prefix, { startAfter: keys.at(-1) })
}
