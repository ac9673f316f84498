/** A local file, given by its path. */
export interface FileSource {
  readonly path: string
}

/**
 * The content that a `put` stores: bytes, a stream of any length (of Node.js, of the web, or any async iterable), or a
 * local file. The caller must not change bytes or files until the call has ended. A changed file fails the call.
 */
export type ByteSource = Uint8Array | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array> | FileSource

/** Returns whether a source is a local file. An object that can be iterated is a stream, also if it has a path. */
export function isFileSource(source: ByteSource): source is FileSource {
  return 'path' in source && typeof source.path === 'string' && !(Symbol.asyncIterator in source)
}
