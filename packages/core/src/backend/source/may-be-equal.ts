import { newBuffer } from './buffers.ts'
import type { FileSource } from './byte-source.ts'
import { fileChunks, openFile } from './open-file.ts'

/** A source from this size in bytes on is compared by a few bytes first. Hashing a smaller one takes less than a request. */
const comparedFrom = 8 * 2 ** 20

/** The number of bytes that are compared first. */
const comparedBytes = 2 ** 16

interface ByteRange {
  readonly start: number
  /** Exclusive. */
  readonly end: number
}

/**
 * Compares a few bytes from the middle of a large source with those of an object, since reading all of a source that has changed
 * would double the work of its put. `size` is that of the object in bytes, and `stored` reads a range of it. Returns true without a
 * comparison if the object is small.
 */
export async function mayBeEqual(
  source: Uint8Array | FileSource,
  size: number,
  stored: (range: ByteRange) => Promise<Uint8Array>,
): Promise<boolean> {
  if (source instanceof Uint8Array && source.byteLength !== size) return false
  if (size < comparedFrom) return true
  const start = Math.floor((size - comparedBytes) / 2)
  const range = { start, end: start + comparedBytes }
  return Buffer.compare(await stored(range), await rangeOf(source, range)) === 0
}

async function rangeOf(source: Uint8Array | FileSource, { start, end }: ByteRange): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source.subarray(start, end)
  const file = await openFile(source.path)
  try {
    const chunks: Uint8Array[] = []
    for await (const chunk of fileChunks(file, { start, end, chunkBytes: end - start, bufferOf: newBuffer }))
      chunks.push(chunk)
    return Buffer.concat(chunks)
  } finally {
    await file.handle.close()
  }
}
