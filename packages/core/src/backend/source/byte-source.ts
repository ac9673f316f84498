/** A local file, named by its path. */
export interface FileSource {
  readonly path: string
}

/**
 * What a `put` stores: bytes, a stream of any length (of Node, of the web, or any async iterable), or a local
 * file. The caller leaves bytes and files unchanged until the call has ended; for a file that is checked.
 */
export type ByteSource = Uint8Array | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array> | FileSource

/** Returns whether a source is a local file. An object that can be iterated is a stream, also if it has a path. */
export function isFileSource(source: ByteSource): source is FileSource {
  return 'path' in source && typeof source.path === 'string' && !(Symbol.asyncIterator in source)
}
