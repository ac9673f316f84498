/** A local file, given by its path. */
export interface FileSource {
  readonly path: string
}

/**
 * The content that a `put` stores: bytes, a stream of any length (of Node.js, of the web, or any async iterable), or a
 * local file. The caller must not change bytes or files until the call has ended. A changed file fails the call. A chunk of a
 * stream is valid until the next one is requested.
 */
export type ByteSource = Uint8Array | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array> | FileSource

/** A stream that can be opened several times, such as an object of another store. Its size must be announced. */
export interface ReopenableSource {
  /**
   * Opens the bytes from `start` on. A stream from byte 0 should verify itself, and fail with `CORRUPT` before its end if its
   * bytes are wrong.
   */
  readonly open: (start: number, signal: AbortSignal | undefined) => Promise<AsyncIterable<Uint8Array>>
  /**
   * The object of a store that has these bytes. A backend of the same kind may let the service copy it, and does so only if
   * the service then reports the right checksum. Otherwise it reads the bytes.
   */
  readonly object?: SourceObject | undefined
}

/** An object of a store, and what is known of its bytes since they were stored. */
export interface SourceObject {
  /** The backend that has the object. */
  readonly backend: object
  readonly key: string
  /** The size in bytes. */
  readonly size: number
  /** SHA-256 in lower-case hexadecimal. */
  readonly sha256: string
  /** The revision of the object. Without it, whatever is at the key is copied. */
  readonly revision?: string | undefined
  /** The digest that the store verified when it stored the object. Without it, the service copies nothing. */
  readonly storeDigest?: { readonly algorithm: string; readonly value: string } | undefined
}

/** All that a `put` stores. */
export type PutSource = ByteSource | ReopenableSource

/** Returns whether a source is a local file. An object that can be iterated is a stream, also if it has a path. */
export function isFileSource(source: PutSource): source is FileSource {
  return 'path' in source && typeof source.path === 'string' && !(Symbol.asyncIterator in source)
}

/** Returns whether a source can be opened again. An object that can be iterated is a stream. */
export function isReopenable(source: PutSource): source is ReopenableSource {
  return 'open' in source && typeof source.open === 'function' && !(Symbol.asyncIterator in source)
}
