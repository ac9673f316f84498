import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type ByteSource, type PutOptions, type PutResult, SourceReader } from '@holdfast/core'
import type { FileSystem } from './file-system.ts'
import { syncFolder } from './folders.ts'
import type { Names } from './names.ts'
import { withTemporaryFile } from './temporary-file.ts'

/** One read, one hash and one write go on at the same time, each on a buffer of this many bytes. */
export const chunkBytes = 4 * 2 ** 20

/** Chunks that are in memory at once: written, hashed, read ahead. */
export const chunksInMemory = 3

/** Temporary file, write, fsync, rename, fsync of the folder. */
export async function put(
  fileSystem: FileSystem,
  names: Names,
  key: string,
  source: ByteSource,
  options: PutOptions,
): Promise<PutResult> {
  const { size, signal, onProgress } = options
  await using reader = await SourceReader.open(source, { chunkBytes, chunksHeld: 1, size, signal })
  return await withTemporaryFile(fileSystem, names, key, async (temporary) => {
    const modifiedAt = await writeDurably(temporary.handle, reader, onProgress)
    const path = names.path(key)
    await fileSystem.rename(temporary.path, path)
    await syncFolder(fileSystem, dirname(path))
    const result = reader.result()
    return { key, size: result.size, sha256: result.sha256, modifiedAt }
  })
}

/** Writes all that the reader gives, makes it durable, and closes the file. Gives its time of modification. */
async function writeDurably(
  handle: FileHandle,
  reader: SourceReader,
  onProgress: PutOptions['onProgress'],
): Promise<Date> {
  let writing: Promise<void> = Promise.resolve()
  try {
    let position = 0
    for await (const chunk of reader.chunks()) {
      await writing
      const start = position
      position += chunk.byteLength
      writing = writeFully(handle, chunk, start).then(() => onProgress?.(start + chunk.byteLength))
      writing.catch(() => undefined) // thrown where it is awaited
    }
    await writing
    await handle.sync()
    return (await handle.stat()).mtime
  } finally {
    await writing.catch(() => undefined) // the buffer is its until it has ended
    await handle.close()
  }
}

/** A write may take fewer bytes than it was given. */
export async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0
  while (written < bytes.byteLength) {
    const { bytesWritten } = await handle.write(
      bytes,
      written,
      bytes.byteLength - written,
      position + written,
    )
    written += bytesWritten
  }
}
