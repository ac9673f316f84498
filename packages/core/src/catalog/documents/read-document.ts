import type { Look } from '../../async/second-look.ts'
import type { CheckpointBackend, ObjectStat } from '../../backend/index.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'

/** The methods of a backend that reading documents takes. */
export type DocumentReader = Pick<CheckpointBackend, 'url' | 'read'>

/** The largest size of a document. Larger objects are rejected before they are read into memory. */
const maxDocumentBytes = 512 * 2 ** 20

/** Reads a small object. Rejects with `NOT_FOUND` if it is absent, and with `CORRUPT` if it is far too large. */
export async function readSmall(
  backend: DocumentReader,
  key: string,
  signal: AbortSignal | undefined,
  look: Look = 1,
): Promise<Uint8Array> {
  return (await readWithStat(backend, key, signal, look)).bytes
}

/**
 * Reads exactly the object that a list returned. Returns `undefined` if it no longer exists, or if its key now has
 * another object.
 */
export async function readListed(
  backend: DocumentReader,
  listed: Pick<ObjectStat, 'key' | 'revision'>,
  signal: AbortSignal | undefined,
  look: Look = 1,
): Promise<Uint8Array | undefined> {
  try {
    const { stat, bytes } = await readWithStat(backend, listed.key, signal, look)
    return stat.revision === listed.revision ? bytes : undefined
  } catch (error) {
    if (isHoldfastError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

async function readWithStat(
  backend: DocumentReader,
  key: string,
  signal: AbortSignal | undefined,
  look: Look = 1,
): Promise<{ readonly stat: ObjectStat; readonly bytes: Uint8Array }> {
  const { stat, body } = await backend.read(key, { newConnection: look === 2, signal })
  if (stat.size > maxDocumentBytes) {
    await body.cancel()
    throw tooLong(backend, key, stat.size)
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    size += chunk.byteLength
    if (size > maxDocumentBytes) throw tooLong(backend, key, size)
  }
  return { stat, bytes: Buffer.concat(chunks) }
}

function tooLong({ url }: DocumentReader, key: string, bytes: number): HoldfastError {
  return new HoldfastError('CORRUPT', `${key} has ${bytes} bytes, more than any document of Holdfast.`, {
    key,
    url,
  })
}

/** Reads a small object; `undefined` if it is absent. */
export async function readIfThere(
  backend: DocumentReader,
  key: string,
  signal: AbortSignal | undefined,
  look: Look = 1,
): Promise<Uint8Array | undefined> {
  return (await readIfThereWithStat(backend, key, signal, look))?.bytes
}

/** The same with what the store states about the object. */
export async function readIfThereWithStat(
  backend: DocumentReader,
  key: string,
  signal: AbortSignal | undefined,
  look: Look = 1,
): Promise<{ readonly stat: ObjectStat; readonly bytes: Uint8Array } | undefined> {
  try {
    return await readWithStat(backend, key, signal, look)
  } catch (error) {
    if (isHoldfastError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}
