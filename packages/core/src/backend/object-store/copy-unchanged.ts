import { throwIfAborted } from '../../errors.ts'
import type { PutOptions, PutResult } from '../backend.ts'
import { isFileSource, type PutSource, type SourceObject } from '../source/byte-source.ts'
import { bytesOf } from '../source/chunks-of.ts'
import { newBuffer } from '../source/buffers.ts'
import { fileChunks, openFile } from '../source/open-file.ts'
import { SourceReader } from '../source/source-reader.ts'
import { copyIfVerified, type ServiceCopy } from './service-copy.ts'

/** A source from this size in bytes on is compared by a few bytes first. Hashing a smaller one takes less than a request. */
const comparedFrom = 8 * 2 ** 20

/** The number of bytes that are compared first. */
const comparedBytes = 2 ** 16

/** Bytes that are read and hashed at once. */
const chunkBytes = 2 ** 20

/**
 * Lets the service copy an object instead of sending a source with the same bytes. Returns `undefined` if the bytes differ or
 * the service cannot make a verified copy. Hashing a large source that has changed would double the work of its put, so a few
 * bytes from its middle are compared with the object first.
 */
export async function copyUnchanged(
  key: string,
  source: PutSource,
  { unchanged, size, observe, signal, onProgress }: PutOptions,
  ways: ServiceCopy,
): Promise<PutResult | undefined> {
  const object = unchanged?.object
  if (object?.storeDigest === undefined || (size ?? object.size) !== object.size) return undefined
  if (!(source instanceof Uint8Array) && !isFileSource(source)) return undefined
  if (object.size >= comparedFrom && !(await hasSameMiddle(source, object, ways, signal))) return undefined
  await using reader = await SourceReader.open(source, {
    chunkBytes,
    chunksHeld: 0,
    hashInThread: true,
    observer: observe?.(),
    signal,
  })
  if (reader.size !== object.size) return undefined
  for await (const _ of reader.chunks()) continue
  if (reader.result().sha256 !== object.sha256) return undefined
  const copied = await copyIfVerified(key, object, ways, onProgress, signal)
  if (copied === undefined) return undefined
  onProgress?.(object.size)
  return { key, size: object.size, sha256: object.sha256, ...copied, reused: 'copied' }
}

/** Whether some bytes of an object and a source are equal. False if the object cannot be read. */
async function hasSameMiddle(
  source: Uint8Array | { readonly path: string },
  { key, size }: SourceObject,
  { read }: ServiceCopy,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const start = Math.floor((size - comparedBytes) / 2)
  const range = { start, end: start + comparedBytes }
  try {
    const found = await read(key, { range, signal })
    const stored = await bytesOf(found, comparedBytes)
    return Buffer.compare(stored, await rangeOf(source, range)) === 0
  } catch {
    // Whatever it is, storing the source does not depend on it.
    throwIfAborted(signal, 'The comparison with a stored object', { key })
    return false
  }
}

async function rangeOf(
  source: Uint8Array | { readonly path: string },
  { start, end }: { readonly start: number; readonly end: number },
): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source.subarray(start, end)
  const file = await openFile(source.path)
  try {
    const chunks: Uint8Array[] = []
    for await (const chunk of fileChunks(file, { start, end, chunkBytes, bufferOf: newBuffer }))
      chunks.push(chunk)
    return Buffer.concat(chunks)
  } finally {
    await file.handle.close()
  }
}
