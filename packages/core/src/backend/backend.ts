import type { RetryEvent } from './retry.ts'
import type { PutSource, SourceObject } from './source/byte-source.ts'

/**
 * The port: the operations that Holdfast requires of a store of objects.
 *
 * An implementation MUST keep these promises. The conformance suite tests each of them by name:
 *
 * 1. **Whole or absent.** An object that `read`, `stat` or `list` shows was stored completely and durably.
 * 2. **Read after write.** Once a call has resolved, every later call of any process sees its effect; `list` is
 *    complete at the time of the call and in key order (that of the keys' bytes in UTF-8: see `compareKeys`).
 * 3. **One creator.** Of any number of racing `commit` calls for one key, exactly one returns `created`.
 *
 * Keys are relative, with `/` between their parts. `assertKey` defines which keys are valid. Every method rejects an
 * option that it does not know (`INVALID_ARGUMENT`) or does not support (`UNSUPPORTED`), and never ignores one. Every
 * method takes an `AbortSignal`. If the signal fires, the call rejects with `ABORTED`, makes nothing visible, and
 * leaves nothing that `sweep` does not find.
 *
 * Errors are `HoldfastError`s: `NOT_FOUND`, `CORRUPT`, `INSUFFICIENT_SPACE`, `ABORTED`, `UNAVAILABLE`,
 * `PERMISSION_DENIED`, `UNSUPPORTED`, `INVALID_ARGUMENT`, and `OUTCOME_UNKNOWN` from `commit` alone.
 */
export interface CheckpointBackend {
  /** The URL of the store, without secrets. */
  readonly url: string
  readonly capabilities: BackendCapabilities

  /**
   * Returns the full URL of the place, without secrets: scheme, endpoint, account, bucket and path. Two servers MUST
   * have different places, even if `url` is the same. One server may have several places.
   */
  place(options?: CallOptions): Promise<string>

  /**
   * Stores `source` at `key`, completely and durably, or not at all. The source may have any size, and memory MUST stay
   * bounded by configuration. A chunk of a stream is valid until the next one is requested. An object that exists is
   * replaced. If two puts of one key overlap, one of them MUST succeed. The other may fail (`UNAVAILABLE`) on stores that
   * keep the parts of both together. The digest of the result MUST be the digest of the stored bytes. A source that is
   * longer or shorter than `size`, or a file that changes during the call, fails the call (`INVALID_ARGUMENT`), and
   * nothing is stored.
   *
   * With `resume`, which only some backends support, the put continues what an earlier put of the same bytes left at the
   * key. Bytes of the earlier put MUST only become part of the object if a checksum of the stored bytes equals that of the
   * source's bytes. What differs is sent again.
   */
  put(key: string, source: PutSource, options?: PutOptions): Promise<PutResult>

  /**
   * Creates `key` with a few bytes if it is absent, durably, in one conditional step. With `exists`, the first body is
   * unchanged. `created` MUST be confirmed by the store itself, never by a response that a web proxy could have sent.
   * Rejects with `OUTCOME_UNKNOWN` if the response was lost and the outcome cannot be determined. The bytes MUST be
   * unique to the caller, so that equal bytes at the key prove that this call created them.
   */
  commit(key: string, bytes: Uint8Array, options?: CommitOptions): Promise<CommitOutcome>

  /** Streams the bytes at `key`, or a range of them. Rejects with `NOT_FOUND` if the key is absent. */
  read(key: string, options?: ReadOptions): Promise<ReadableObject>

  /** Returns what is known of an object without reading it; `undefined` if the key is absent. */
  stat(key: string, options?: CallOptions): Promise<ObjectStat | undefined>

  /**
   * Yields the objects whose keys begin with `prefix` (plain text, not a folder), in key order. If objects are deleted
   * during the call, it may yield them or not. But the last yielded key MUST NOT be below the highest key at the start of
   * the call, if a higher key exists when that one is deleted. Otherwise an old version of the catalog could look like the
   * newest one.
   */
  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectStat>

  /** Deletes objects, in batches if the store supports them. An absent key is no error and counts as deleted. */
  delete(keys: readonly string[], options?: CallOptions): Promise<DeleteReport>

  /**
   * Returns a digest of the object and its origin. A digest that the store keeps is returned without reading the bytes.
   * Otherwise the digest is computed by reading them. Rejects with `NOT_FOUND` if the key is absent.
   */
  hash(key: string, options?: CallOptions): Promise<ObjectHash>

  /**
   * Places a legal hold on objects, or ends it. Until it ends, nobody can destroy the bytes, whatever their permissions.
   * Repeating a call is no error. Rejects with `NOT_FOUND` if a key to hold is absent. An absent key whose hold ends is no
   * error. A backend without the capability `holdsObjects` rejects every call (`UNSUPPORTED`).
   */
  setHold(keys: readonly string[], options: HoldOptions): Promise<void>

  /** Returns the space that is left for the caller. */
  freeSpace(options?: CallOptions): Promise<FreeSpace>

  /**
   * Discards unfinished work, such as temporary files, multipart uploads and staged parts. Work that may belong to
   * others, such as an empty folder, MUST be left alone unless `only` returns true for it.
   */
  sweep(options: SweepOptions): Promise<SweepReport>

  /** Releases connections and handles. The backend is unusable afterwards. Closing twice is no error. */
  close(): Promise<void>
}

/** What a backend supports, and its limits. */
export interface BackendCapabilities {
  /** The source of `freeSpace`: `measured` by the file system, `budgeted` by a quota, or `unbounded`. */
  readonly freeSpace: Exclude<FreeSpace['kind'], 'unknown'>
  /** The usual origin of `hash`. */
  readonly hash: DigestOrigin
  /** The folder in which the key of an object is its path, if objects are local files. */
  readonly localRoot: string | undefined
  /** The longest key in bytes of UTF-8, without the root. */
  readonly maxKeyBytes: number
  /** The largest object in bytes. */
  readonly maxObjectBytes: number
  /**
   * The largest number of bytes that one `put` or `read` holds in memory. An object whose parts must be larger, because the
   * store limits their number, may use three of these parts instead.
   */
  readonly maxBufferedBytes: number
  /** How many small objects to put at once for the best throughput. */
  readonly smallObjectsAtOnce: number
  /**
   * Whether each object costs a request over a network. Then few large objects are stored faster than many small ones, so
   * small files are stored together. Default: false.
   */
  readonly requestPerObject?: boolean | undefined
  /** Whether `put` supports `resume`. */
  readonly resumesPuts: boolean
  /** Whether `put` and `commit` support `beforeVisible`, and `put` supports `onVisible`. Default: false. */
  readonly writesAhead?: boolean | undefined
  /**
   * How `put` uses an object with the same bytes, if it supports `unchanged`: the service makes a copy (`copies`), or two
   * objects have one physical copy of the bytes (`shares`). Default: it does not support it.
   */
  readonly reusesObjects?: 'copies' | 'shares' | undefined
  /** Whether pins place a legal hold on the objects of a checkpoint (`setHold`). Default: false. */
  readonly holdsObjects?: boolean | undefined
}

/** The options of `setHold`. */
export interface HoldOptions extends CallOptions {
  /** Whether to place the hold. With `false`, the hold ends. */
  readonly on: boolean
}

/** The options that every method takes. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined
}

/** The options of `put`. */
export interface PutOptions extends CallOptions {
  /** The exact number of bytes, if the caller knows it. */
  readonly size?: number | undefined
  /** The media type, for stores that keep one. Other stores ignore it. */
  readonly contentType?: string | undefined
  /**
   * Called with the number of bytes stored so far, or sent so far if the store does not report what it holds. The
   * number never decreases. The last call has the size.
   */
  readonly onProgress?: ((bytes: number) => void) | undefined
  /**
   * Returns an observer, which gets every byte of the source once and in order. It is called each time the source is read
   * from its start, so the bytes that were stored are those of the last observer.
   */
  readonly observe?: (() => ByteObserver) | undefined
  /**
   * Limits how fast bytes are sent. The backend calls it with the number of bytes before it sends them to the store, also before
   * it sends them again, and waits for the promise. Bytes that it does not send, such as bytes that the service copies, do not
   * count. Before it compares bytes of the source with the object of `unchanged`, it calls it with `compare`. If the promise
   * rejects, the put rejects, and nothing is stored.
   */
  readonly pace?:
    | ((bytes: number, signal?: AbortSignal, use?: 'send' | 'compare') => Promise<void>)
    | undefined
  /**
   * Lets several puts of the same bytes, also of different processes, continue each other. If such a put fails, what it has
   * stored stays for the next one, and `sweep` discards it as usual. While a key gets puts with this option, all puts of that
   * key MUST be of the same bytes. A backend without the capability `resumesPuts` rejects it (`UNSUPPORTED`).
   */
  readonly resume?: ResumablePut | undefined
  /**
   * An object that may have the bytes of the source, which is a file or bytes in memory. If it has, its bytes need not be sent.
   * A backend without the capability `reusesObjects` rejects it (`UNSUPPORTED`).
   */
  readonly unchanged?: UnchangedObject | undefined
  /** See `BeforeVisible`. */
  readonly beforeVisible?: BeforeVisible | undefined
  /**
   * Called once when the object has its name and all its bytes, with the result of the put. A crash can still lose the object
   * until the put resolves, and the put can still fail. A backend without the capability `writesAhead` rejects it
   * (`UNSUPPORTED`).
   */
  readonly onVisible?: ((result: PutResult) => void) | undefined
}

/**
 * Called before the object becomes visible. The backend MUST NOT give the object its name before the promise resolves, but it
 * may store bytes before the call. So these bytes become durable while the caller waits for other objects. If the promise
 * rejects, the call rejects with that error, and nothing is stored. The function is called again if a backend stores the
 * object in another way. A backend without the capability `writesAhead` rejects the option (`UNSUPPORTED`).
 */
export type BeforeVisible = () => Promise<void>

/**
 * An object of the same backend that may have the bytes of a source. The backend MUST read the source during the put, and use
 * the object only if both have the announced digest. In every other case the source is stored. Objects MUST NOT share bytes in
 * any other way, also not with the source, so that damage to one is not damage to the other.
 */
export interface UnchangedObject {
  readonly object: SourceObject
}

/** What puts that continue each other have in common. */
export interface ResumablePut {
  /** SHA-256 of all bytes, in lower-case hexadecimal. A source with other bytes is rejected (`INVALID_ARGUMENT`). */
  readonly sha256: string
}

/** Gets bytes as they pass. They are only valid during the call. */
export interface ByteObserver {
  update(bytes: Uint8Array): unknown
}

/** The options of `commit`. */
export interface CommitOptions extends CallOptions {
  /**
   * Called before `created` with the revision that the store reports for the created object. A list shows the same
   * revision. A backend that does not learn the revision does not call it.
   */
  readonly onCreated?: ((revision: string) => void) | undefined
  /** See `BeforeVisible`. */
  readonly beforeVisible?: BeforeVisible | undefined
}

/** The options of `read`. */
export interface ReadOptions extends CallOptions {
  /** The bytes from `start` to `end` (exclusive). Without `end`, to the end of the object. */
  readonly range?: { readonly start: number; readonly end?: number | undefined } | undefined
  /**
   * Read over a connection that no other request uses. A backend without connections reads as usual, and so does a
   * client that the caller made. Default: false.
   */
  readonly newConnection?: boolean | undefined
}

/** The options of `list`. */
export interface ListOptions extends CallOptions {
  /** List only keys after this one. */
  readonly startAfter?: string | undefined
  /** List at most this many objects. */
  readonly limit?: number | undefined
  /** See `MayOmit`. */
  readonly mayOmit?: MayOmit | undefined
}

/**
 * Called with the key of a folder that the permissions do not allow to read. The key ends with `/`. If the function returns
 * true, the call continues without the folder, and otherwise rejects with `PERMISSION_DENIED`. A store without folders never
 * calls it. Default: no folder is omitted.
 */
export type MayOmit = (folder: string) => boolean

/** A stored object without its bytes, as `list`, `stat` and `read` return it. */
export interface ObjectStat {
  readonly key: string
  /** The size in bytes. */
  readonly size: number
  /** The time at which the object was stored, by the clock of the store. */
  readonly modifiedAt: Date
  /**
   * Identifies exactly this body of the object, such as an ETag, a generation, or an inode with its time. Different
   * bodies of a key MUST have different revisions. `list`, `stat`, `read` and `put` MUST return the same revision for
   * one body.
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
  /** The digest that the store keeps of the object, if it verified one during the put. */
  readonly storeDigest?: ObjectHash | undefined
  /** With `resume`: the number of bytes that earlier puts had stored, and that were not sent again. */
  readonly resumedBytes?: number | undefined
  /**
   * With `unchanged`: `copied` if the service copied the object, `shared` if both objects have one physical copy of the bytes.
   * Absent if the source was stored.
   */
  readonly reused?: 'copied' | 'shared' | undefined
}

/** `created`: this call created the object. `exists`: the key had an object already. */
export type CommitOutcome = 'created' | 'exists'

/** A stored object with its bytes. */
export interface ReadableObject {
  /** The stat of the whole object, also if a range is read. */
  readonly stat: ObjectStat
  /** The bytes. Read them once, or cancel the stream. Both release the connection or handle. */
  readonly body: ReadableStream<Uint8Array>
  /** An optimisation: true if a reader may detach the memory of each chunk (`ArrayBuffer.transfer`) after its use. */
  readonly detachable?: boolean | undefined
}

/** The outcome for each key. A key is in exactly one of the two lists. */
export interface DeleteReport {
  readonly deleted: readonly string[]
  readonly failed: readonly { readonly key: string; readonly error: Error }[]
}

/** `store`: the store verified the bytes. `writer`: the store repeats what a writer sent. `computed`: read just now. */
export type DigestOrigin = 'store' | 'writer' | 'computed'

/** The algorithm of a digest. */
export type DigestAlgorithm = 'sha256' | 'crc32' | 'crc32c' | 'crc64nvme' | 'md5'

/** The digest of a stored object. */
export interface ObjectHash {
  readonly algorithm: DigestAlgorithm
  /** The digest in lower-case hexadecimal. */
  readonly value: string
  readonly origin: DigestOrigin
}

/** How many bytes fit into the store. */
export type FreeSpace =
  | {
      readonly kind: 'measured'
      readonly available: number
      readonly total: number
      /** The inodes. Each file and folder uses one. Absent if the file system has no limit. */
      readonly files?: { readonly available: number; readonly total: number } | undefined
    }
  | {
      readonly kind: 'budgeted'
      readonly available: number
      readonly total: number
      readonly measuredAt: Date
    }
  | { readonly kind: 'unbounded' }
  /** The file system does not report its free space. A save is tried without a check. */
  | { readonly kind: 'unknown' }

/** Which unfinished work `sweep` discards. */
export interface SweepOptions extends CallOptions {
  /** The smallest age in milliseconds, by the clock of the store. Younger work is kept. */
  readonly olderThan: number
  /** Discard only work for keys with this prefix. Default: all work below the root of this backend. */
  readonly prefix?: string | undefined
  /** Called with the key of the work. Work for which it returns false is kept. */
  readonly only?: ((key: string) => boolean) | undefined
  /** See `MayOmit`. */
  readonly mayOmit?: MayOmit | undefined
  /** Report what would be discarded, and discard nothing. */
  readonly dryRun?: boolean | undefined
}

/** What `sweep` discarded, or with `dryRun` would discard. */
export interface SweepReport {
  /** The work that was discarded, or would be. */
  readonly discarded: readonly UnfinishedWork[]
  /** The number of pieces of unfinished work that were kept, because they are too recent or not selected. */
  readonly left: number
}

/** Work that a put or commit began and did not finish, such as a temporary file or an unfinished upload. */
export interface UnfinishedWork {
  /** The key that the work is for, or its own key. The key of an empty folder ends with `/`. */
  readonly key: string
  readonly startedAt: Date
  /** The size in bytes, if the store reports it. */
  readonly size?: number | undefined
}

/** Opens backends from URLs. An adapter package exports one as `adapter`. */
export interface BackendAdapter {
  /** The URL schemes without the colon, such as `['file']`. */
  readonly schemes: readonly string[]
  /** Opens a backend without a request. Rejects with `CONFIG` or `INVALID_ARGUMENT` for an invalid URL or option. */
  open(
    url: URL,
    options?: Readonly<Record<string, unknown>>,
    hooks?: BackendHooks,
  ): Promise<CheckpointBackend>
}

/** What a backend gets from the program that opens it: callbacks, and what it may use. */
export interface BackendHooks {
  /** How many threads may transfer large files. With 1, no thread is started. Default: that of `defaultThreads`. */
  readonly threads?: number | undefined
  /** Called if a request failed and is retried. */
  readonly onRetry?: ((event: RetryEvent) => void) | undefined
}
