import type { RetryEvent } from './retry.ts'
import type { ByteSource } from './source/byte-source.ts'

/**
 * The port: what Holdfast needs from a place that keeps objects.
 *
 * An implementation MUST keep these, and the conformance suite tests each sentence by name:
 *
 * 1. **Whole or absent.** An object that `read`, `stat` or `list` shows was stored completely and durably.
 * 2. **Read after write.** Once a call has resolved, every later call of any process sees its effect; `list`
 *    is complete at the time of the call and in key order (that of the keys' bytes in UTF-8: see `compareKeys`).
 * 3. **One creator.** Of any number of racing `commit` calls for one key, exactly one is told `created`.
 *
 * Keys are relative, with `/` between their parts; `assertKey` says which are valid. Every method rejects an
 * option that it does not know (`INVALID_ARGUMENT`) or cannot honour (`UNSUPPORTED`), never ignores it, and
 * takes an `AbortSignal`: when it fires the call rejects with `ABORTED`, and leaves nothing visible and
 * nothing that `sweep` does not find.
 *
 * Errors are `HoldfastError`s: `NOT_FOUND`, `CORRUPT`, `INSUFFICIENT_SPACE`, `ABORTED`, `UNAVAILABLE`,
 * `PERMISSION_DENIED`, `UNSUPPORTED`, `INVALID_ARGUMENT`, and `OUTCOME_UNKNOWN` from `commit` alone.
 */
export interface CheckpointBackend {
  /** Where it points, without secrets. */
  readonly url: string
  readonly capabilities: BackendCapabilities

  /**
   * The URL of the place in full, without secrets: scheme, endpoint, account, bucket and path. Two servers MUST have
   * different places, also where `url` is the same; one server may have several.
   */
  place(options?: CallOptions): Promise<string>

  /**
   * Stores `source` at `key`, whole and durable, or not at all. Payload of any size; memory MUST stay bounded
   * by configuration. A key that exists is replaced. Where two puts of one key overlap one of them MUST succeed;
   * the other may fail (`UNAVAILABLE`), on stores that keep the parts of both together. The digest of the result MUST be of the bytes that were
   * stored. A source that is longer or shorter than `size`, or a file that changes meanwhile, fails the call
   * (`INVALID_ARGUMENT`) and nothing is stored.
   */
  put(key: string, source: ByteSource, options?: PutOptions): Promise<PutResult>

  /**
   * Creates `key` with these few bytes if it is absent, durably, in one conditional step. `exists` leaves the
   * first body as it is. `created` MUST rest on the store's own word, never on an answer that a web proxy could have
   * given in its place. When the answer was lost and cannot be found out: `OUTCOME_UNKNOWN`; the caller
   * gives bytes that no other caller would give, so that equal bytes at the key prove that it was this call.
   */
  commit(key: string, bytes: Uint8Array, options?: CommitOptions): Promise<CommitOutcome>

  /** The bytes at `key`, or of one range of them, as they stream. Rejects with `NOT_FOUND` when absent. */
  read(key: string, options?: ReadOptions): Promise<ReadableObject>

  /** What is known of the object without reading it; `undefined` when absent. */
  stat(key: string, options?: CallOptions): Promise<ObjectStat | undefined>

  /** The objects whose keys begin with `prefix` (plain text, not a folder), in key order. */
  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectStat>

  /** Removes objects, in batches where the store has them. A missing key is no error and counts as deleted. */
  delete(keys: readonly string[], options?: CallOptions): Promise<DeleteReport>

  /**
   * A digest of the object, and whose word it is: the store's own where it keeps one, without moving the
   * bytes; else computed by reading them. Rejects with `NOT_FOUND` when absent.
   */
  hash(key: string, options?: CallOptions): Promise<ObjectHash>

  /** The room that is left for the caller. */
  freeSpace(options?: CallOptions): Promise<FreeSpace>

  /** Discards unfinished work of the store's own kind: temporary files, multipart uploads, waiting parts. */
  sweep(options: SweepOptions): Promise<SweepReport>

  /** Releases connections and handles. The backend is unusable afterwards; closing twice is no error. */
  close(): Promise<void>
}

export interface BackendCapabilities {
  /** How `freeSpace` knows: `measured` by the file system, `budgeted` by a quota, or `unbounded`. */
  readonly freeSpace: FreeSpace['kind']
  /** Whose word `hash` usually is. */
  readonly hash: DigestOrigin
  /** The folder under which an object's key is its path, when objects are local files. */
  readonly localRoot: string | undefined
  /** The longest key in bytes of UTF-8, counted from this backend's root. */
  readonly maxKeyBytes: number
  /** The largest object in bytes. */
  readonly maxObjectBytes: number
  /** The most bytes that one `put` or `read` holds in memory. */
  readonly maxBufferedBytes: number
  /** How many small objects to put at once, so that the put of all of them is fastest. */
  readonly smallObjectsAtOnce: number
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
}

export interface PutOptions extends CallOptions {
  /** The exact number of bytes, when known beforehand. */
  readonly size?: number | undefined
  /** For stores that tell readers what an object is; the others have no use for it. */
  readonly contentType?: string | undefined
  /**
   * Called with the count of bytes stored so far, or sent, where the store does not say in between what it holds; never
   * decreasing, last with the size.
   */
  readonly onProgress?: ((bytes: number) => void) | undefined
}

export interface CommitOptions extends CallOptions {
  /**
   * Called before `created`, with the revision of what was created, by the store's own word: the caller finds it in a
   * list by that. A backend that does not learn it leaves the call out.
   */
  readonly onCreated?: ((revision: string) => void) | undefined
}

export interface ReadOptions extends CallOptions {
  /** Bytes `start` to before `end`; without `end` to the end of the object. */
  readonly range?: { readonly start: number; readonly end?: number | undefined } | undefined
  /**
   * Read over a connection that no other request uses. A backend without connections reads as usual, and so does a client
   * that the caller made. Default: false.
   */
  readonly newConnection?: boolean | undefined
}

export interface ListOptions extends CallOptions {
  /** Only keys after this one. */
  readonly startAfter?: string | undefined
  /** At most this many. */
  readonly limit?: number | undefined
}

export interface ObjectStat {
  readonly key: string
  /** Bytes. */
  readonly size: number
  /** When it was stored, by the store's own clock. */
  readonly modifiedAt: Date
  /**
   * The store's token for exactly this body: an ETag, a generation, an inode with its time. Different bodies that
   * a key ever had MUST have different revisions, and `list`, `stat`, `read` and `put` MUST tell the same one.
   */
  readonly revision: string
}

/** What is known of an object that was just stored. */
export interface PutResult extends Omit<ObjectStat, 'modifiedAt'> {
  /**
   * The time by the store's own clock at which it stored the object, if its response states it. It can differ from
   * `modifiedAt` of `stat` by the duration of the request.
   */
  readonly storedAt?: Date | undefined
  /** SHA-256 of the stored bytes, in lower-case hexadecimal. */
  readonly sha256: string
  /** The digest that the store keeps of the object, when it verified one on the way in. */
  readonly storeDigest?: ObjectHash | undefined
}

export type CommitOutcome = 'created' | 'exists'

export interface ReadableObject {
  /** Of the whole object, also when a range is read. */
  readonly stat: ObjectStat
  /** To be read at most once, or cancelled; either releases what is behind it. */
  readonly body: ReadableStream<Uint8Array>
  /** An optimisation: true if a reader may detach the memory of each chunk (`ArrayBuffer.transfer`) after its use. */
  readonly detachable?: boolean | undefined
}

/** What became of each key. A key is in exactly one of the two. */
export interface DeleteReport {
  readonly deleted: readonly string[]
  readonly failed: readonly { readonly key: string; readonly error: Error }[]
}

/** `store`: the store proved it against the bytes. `writer`: the store repeats what a writer said. `computed`: read just now. */
export type DigestOrigin = 'store' | 'writer' | 'computed'

export type DigestAlgorithm = 'sha256' | 'crc32' | 'crc32c' | 'crc64nvme' | 'md5'

export interface ObjectHash {
  readonly algorithm: DigestAlgorithm
  /** Lower-case hexadecimal. */
  readonly value: string
  readonly origin: DigestOrigin
}

export type FreeSpace =
  | {
      readonly kind: 'measured'
      readonly available: number
      readonly total: number
      /** Inodes, which files and folders take one of each; absent if the file system sets no limit. */
      readonly files?: { readonly available: number; readonly total: number } | undefined
    }
  | {
      readonly kind: 'budgeted'
      readonly available: number
      readonly total: number
      readonly measuredAt: Date
    }
  | { readonly kind: 'unbounded' }

export interface SweepOptions extends CallOptions {
  /** Milliseconds, by the store's own clock: younger work is left alone. */
  readonly olderThan: number
  /** Only work meant for keys that begin so. Default: everything under this backend's root. */
  readonly prefix?: string | undefined
  /** RequestInfo with the key that the work was meant for, or lies beside; false leaves it alone. */
  readonly only?: ((key: string) => boolean) | undefined
  /** Report, discard nothing. */
  readonly dryRun?: boolean | undefined
}

export interface SweepReport {
  /** Discarded, or what would be. */
  readonly discarded: readonly UnfinishedWork[]
  /** Unfinished work that was left alone: too young, or not asked for. */
  readonly left: number
}

export interface UnfinishedWork {
  /** The key that it was meant for, or where it lies. That of an empty folder ends with `/`. */
  readonly key: string
  readonly startedAt: Date
  /** Bytes, where the store says. */
  readonly size?: number | undefined
}

/** What an adapter package exports as `adapter`: how to open its backend from a URL. */
export interface BackendAdapter {
  /** URL schemes without the colon, such as `['file']`. */
  readonly schemes: readonly string[]
  /** Opens without touching the store. Rejects with `CONFIG` or `INVALID_ARGUMENT` for a URL or options that it cannot take. */
  open(
    url: URL,
    options?: Readonly<Record<string, unknown>>,
    hooks?: BackendHooks,
  ): Promise<CheckpointBackend>
}

/** What a backend tells whoever opened it. */
export interface BackendHooks {
  /** A request failed and will be made again. */
  readonly onRetry?: ((event: RetryEvent) => void) | undefined
}
