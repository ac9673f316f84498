import { threadsOnAllProcessors } from '../../async/threads.ts'
import { throwIfAborted } from '../../errors.ts'
import type { PutOptions, PutResult } from '../backend.ts'
import { type FileSource, isFileSource, type PutSource, type SourceObject } from '../source/byte-source.ts'
import { bytesOf } from '../source/chunks-of.ts'
import { mayBeEqual } from '../source/may-be-equal.ts'
import { SourceReader } from '../source/source-reader.ts'
import { copyIfVerified, type ServiceCopy } from './service-copy.ts'

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
  { unchanged, size, observe, signal, pace, onProgress }: PutOptions,
  ways: ServiceCopy,
): Promise<PutResult | undefined> {
  const object = unchanged?.object
  if (object?.storeDigest === undefined || (size ?? object.size) !== object.size) return undefined
  if (!(source instanceof Uint8Array) && !isFileSource(source)) return undefined
  if (!(await mayHaveBytesOf(object, source, ways, signal))) return undefined
  await using reader = await SourceReader.open(source, {
    chunkBytes,
    chunksHeld: 0,
    hashInThread: true,
    hashingThreads: threadsOnAllProcessors(),
    observer: observe?.(),
    signal,
  })
  if (reader.size !== object.size) return undefined
  for await (const chunk of reader.chunks()) await pace?.(chunk.byteLength, signal, 'compare')
  if (reader.result().sha256 !== object.sha256) return undefined
  const copied = await copyIfVerified(key, object, ways, onProgress, signal)
  if (copied === undefined) return undefined
  onProgress?.(object.size)
  return { key, size: object.size, sha256: object.sha256, ...copied, reused: 'copied' }
}

/** Whether a source may have the bytes of an object. False if the object cannot be read. */
async function mayHaveBytesOf(
  { key, size }: SourceObject,
  source: Uint8Array | FileSource,
  { read }: ServiceCopy,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    return await mayBeEqual(source, size, async (range) =>
      bytesOf(await read(key, { range, signal }), range.end - range.start),
    )
  } catch {
    // Whatever it is, storing the source does not depend on it.
    throwIfAborted(signal, 'The comparison with a stored object', { key })
    return false
  }
}
