/** A local file, given by its path. */
export interface FileSource {
  readonly path: string
}

/**
 * The content that a `put` stores: bytes, a stream of any length (of Node.js, of the web, or any async iterable), or a
 * local file. The caller must not change bytes or files until the call has ended. A changed file fails the call.
 */
export type ByteSource = Uint8Array | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array> | FileSource

/** A stream that can be opened several times, such as an object of another store. Its size must be announced. */
export interface ReopenableSource {
  /**
   * Opens the bytes from `start` on. A stream from byte 0 should verify itself, and fail with `CORRUPT` before its end if its
   * bytes are wrong.
   */
  readonly open: (start: number, signal: AbortSignal | undefined) => Promise<AsyncIterable<Uint8Array>>
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
