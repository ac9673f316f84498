import type { BigIntStats } from 'node:fs'
import { type PutOptions, SourceReader } from '@holdfast/core/backend'
import { chunkBytes } from './chunk-bytes.ts'
import type { TemporaryFile } from './temporary-file.ts'

/** A file that is written, durable and closed. */
export interface Written {
  readonly sha256: string
  readonly stats: BigIntStats
}

/** Hashes the clone, which is the stored file, and makes it durable. Fails if the source changed during the call. */
export async function hashClone(
  { path, handle }: TemporaryFile,
  source: SourceReader,
  { signal, onProgress, observe }: PutOptions,
): Promise<Written> {
  try {
    await using clone = await SourceReader.open(
      { path },
      {
        chunkBytes,
        chunksHeld: 1,
        size: source.size,
        hashInThread: observe !== undefined,
        observer: observe?.(),
        signal,
      },
    )
    let hashed = 0
    for await (const chunk of clone.chunks()) {
      hashed += chunk.byteLength
      onProgress?.(hashed)
    }
    await source.assertUnchanged()
    await handle.sync()
    return { sha256: clone.result().sha256, stats: await handle.stat({ bigint: true }) }
  } finally {
    await handle.close()
  }
}
