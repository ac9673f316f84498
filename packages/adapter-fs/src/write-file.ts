import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { DurableWriter, type PutOptions, type SourceReader } from '@holdfast/core/backend'

/** A file that is written and durable. */
export interface Written {
  readonly sha256: string
  readonly stats: BigIntStats
}

/**
 * Writes the bytes of a reader, and makes the file durable. The file already has the bytes before `start`, which is a multiple of
 * the chunks of the reader. These bytes are only hashed.
 */
export async function writeFile(
  handle: FileHandle,
  reader: SourceReader,
  start: number,
  { signal, pace, onProgress }: PutOptions,
): Promise<Written> {
  const writer = new DurableWriter(handle, onProgress, start)
  try {
    let position = 0
    for await (const chunk of reader.chunks()) {
      if (position >= start) {
        await pace?.(chunk.byteLength, signal)
        await writer.write(chunk)
      }
      position += chunk.byteLength
      if (position <= start) onProgress?.(position)
    }
    await writer.finish()
    return { sha256: reader.result().sha256, stats: await handle.stat({ bigint: true }) }
  } finally {
    await writer.settle()
  }
}
