import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import {
  type ByteSource,
  DurableWriter,
  isFileSource,
  type PutOptions,
  type PutResult,
  SourceReader,
  throwIfAborted,
} from '@holdfast/core'
import type { Cloning } from './clone.ts'
import type { FileSystem } from './file-system.ts'
import { type FolderDurability, syncFolder } from './folders.ts'
import type { Names } from './names.ts'
import { statOf } from './read.ts'
import { createEmpty, type TemporaryFile, withTemporaryFile } from './temporary-file.ts'

/** One read, one hash and one write go on at the same time, each on a buffer of this many bytes. */
export const chunkBytes = 2 ** 20

/** Chunks that are in memory at once: written, hashed, read ahead. */
export const chunksInMemory = 3

/** Temporary file, write or clone, fsync, rename, fsync of the folder. */
export async function put(
  fileSystem: FileSystem,
  names: Names,
  durability: FolderDurability,
  cloning: Cloning,
  key: string,
  source: ByteSource,
  options: PutOptions,
): Promise<PutResult> {
  const { size, signal } = options
  await using reader = await SourceReader.open(source, { chunkBytes, chunksHeld: 1, size, signal })
  if (isFileSource(source) && cloning.mayWork) {
    try {
      const create = (path: string): Promise<FileHandle> => cloning.clone(fileSystem, source.path, path)
      return await withTemporaryFile(fileSystem, names, durability, key, create, async (temporary) => {
        const written = await hashClone(temporary, reader, options)
        return await publish(fileSystem, names, key, temporary, written, signal)
      })
    } catch (error) {
      if (!cloning.refuses(error)) throw error
    }
  }
  return await withTemporaryFile(
    fileSystem,
    names,
    durability,
    key,
    createEmpty(fileSystem),
    async (temporary) => {
      const written = await write(temporary, reader, options)
      return await publish(fileSystem, names, key, temporary, written, signal)
    },
  )
}

interface Written {
  readonly sha256: string
  readonly stats: BigIntStats
}

async function publish(
  fileSystem: FileSystem,
  names: Names,
  key: string,
  temporary: TemporaryFile,
  { sha256, stats }: Written,
  signal: AbortSignal | undefined,
): Promise<PutResult> {
  throwIfAborted(signal, `The put of ${key}`, { key, url: names.url })
  const path = names.path(key)
  await fileSystem.rename(temporary.path, path)
  await syncFolder(fileSystem, dirname(path))
  const { size, revision } = statOf(key, stats)
  return { key, size, revision, sha256 }
}

/** Writes all that the reader gives, makes it durable, and closes the file. */
async function write(
  { handle }: TemporaryFile,
  reader: SourceReader,
  { onProgress }: PutOptions,
): Promise<Written> {
  const writer = new DurableWriter(handle, onProgress)
  try {
    for await (const chunk of reader.chunks()) await writer.write(chunk)
    await writer.finish()
    return { sha256: reader.result().sha256, stats: await handle.stat({ bigint: true }) }
  } finally {
    await writer.settle()
    await handle.close()
  }
}

/** Hashes the clone itself, which is what is stored, and makes it durable; fails if the source changed meanwhile. */
async function hashClone(
  { path, handle }: TemporaryFile,
  source: SourceReader,
  { signal, onProgress }: PutOptions,
): Promise<Written> {
  try {
    await using clone = await SourceReader.open(
      { path },
      { chunkBytes, chunksHeld: 1, size: source.size, signal },
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
