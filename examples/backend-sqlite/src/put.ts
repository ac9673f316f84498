import {
  type PutSource,
  type PutOptions,
  type PutResult,
  SourceReader,
  throwIfAborted,
} from '@holdfast/core/backend'
import { addChunk, begin, chunkBytes, discard, publish } from './bodies.ts'
import type { Database } from './database.ts'

/** Writes the chunks to a body that no object has. One last transaction then makes it the body of the key. */
export async function put(
  database: Database,
  key: string,
  name: string,
  source: PutSource,
  { size: announced, signal, onProgress, observe, pace }: PutOptions,
): Promise<PutResult> {
  const request = { what: `The put of ${key}`, key, signal }
  await using reader = await SourceReader.open(source, {
    chunkBytes,
    chunksHeld: 1,
    size: announced,
    observer: observe?.(),
    signal,
  })
  const body = await database.change(request, (connection) => begin(connection, name))
  try {
    let stored = 0
    for await (const chunk of reader.chunks()) {
      await pace?.(chunk.byteLength, signal)
      const number = stored / chunkBytes
      await database.change(request, (connection) => {
        addChunk(connection, body, number, chunk)
      })
      stored += chunk.byteLength
      onProgress?.(stored)
    }
    throwIfAborted(signal, request.what)
    const { size, sha256 } = reader.result()
    await database.change(request, (connection) => {
      publish(connection, name, body, size)
    })
    return { key, size, sha256, revision: String(body) }
  } catch (error) {
    const cleaningUp = { what: `Cleaning up after the put of ${key}`, key }
    await database
      .change(cleaningUp, (connection) => {
        discard(connection, body)
      })
      .catch(() => undefined) // a sweep finds what is left
    throw error
  }
}
