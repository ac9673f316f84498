import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import {
  type FileSource,
  isFileSource,
  mayBeEqual,
  type PutOptions,
  type PutResult,
  type PutSource,
  type SourceObject,
  SourceReader,
  threadsOnAllProcessors,
  throwIfAborted,
} from '@holdfast/core/backend'
import { chunkBytes } from './chunk-bytes.ts'
import { CannotClone } from './clone.ts'
import type { Disk } from './disk.ts'
import { failedWith } from './errors.ts'
import type { FileSystem } from './file-system.ts'
import { lstatIfThere, unlinkIfThere } from './if-there.ts'
import { pathIn } from './known-names.ts'
import { revisionOf, statOf } from './read.ts'
import { modeInStore, throughTemporaryFile } from './temporary-file.ts'

/** The largest number of names of one file. One bad block of the disk damages all of them. */
const mostNames = 8n

/**
 * Compares a source with an object, and stores it as a clone or a hard link of that object if both have the announced digest.
 * Returns `undefined` if the bytes differ, or if the object cannot be read or shared. The source can then still be stored.
 */
export async function putUnchanged(
  disk: Disk,
  key: string,
  source: PutSource,
  object: SourceObject,
  options: PutOptions,
): Promise<PutResult | undefined> {
  const from = pathIn(disk, object)
  if (from === undefined) return undefined
  const verified = await verifiedStats(disk, key, from, source, object, options)
  if (verified === undefined) return undefined
  try {
    return await share(disk, key, from, verified, object, options)
  } catch (error) {
    if (error instanceof CannotShare) return undefined
    throw error
  }
}

/** The file cannot be cloned or linked, or is no longer the one that was verified. */
class CannotShare extends Error {}

/** Returns the stat of a file that has the bytes of a source; `undefined` if they differ or cannot be compared. */
async function verifiedStats(
  { fileSystem, names, seen, openFlags }: Disk,
  key: string,
  from: string,
  source: PutSource,
  object: SourceObject,
  options: PutOptions,
): Promise<BigIntStats | undefined> {
  if (!(source instanceof Uint8Array || isFileSource(source))) return undefined
  let handle: FileHandle | undefined
  try {
    await seen.refuseLinks(names.foldersOf(object.key))
    handle = await fileSystem.open(from, openFlags)
    const stats = await handle.stat({ bigint: true })
    return stats.isFile() && (await isEqual(handle, stats, source, object, options)) ? stats : undefined
  } catch {
    // Storing the source decides: it succeeds, or fails with the reason.
    throwIfAborted(options.signal, `The put of ${key}`, { key, url: names.url })
    return undefined
  } finally {
    await handle?.close()
  }
}

/** Whether a file has the bytes of a source, and both have the digest of the object. Ends at the first byte that differs. */
async function isEqual(
  handle: FileHandle,
  stats: BigIntStats,
  source: Uint8Array | FileSource,
  object: SourceObject,
  { size, signal, observe, pace, onProgress }: PutOptions,
): Promise<boolean> {
  if (Number(stats.size) !== object.size) return false
  const stored = async ({ start, end }: { readonly start: number; readonly end: number }) =>
    readFully(handle, Buffer.allocUnsafeSlow(end - start), start)
  if (!(await mayBeEqual(source, object.size, stored))) return false
  await using reader = await SourceReader.open(source, {
    chunkBytes,
    chunksHeld: 1,
    hashInThread: true,
    hashingThreads: threadsOnAllProcessors(),
    size,
    observer: observe?.(),
    signal,
  })
  if (reader.size !== object.size) return false
  // A file that more users may read than the source is not shared.
  if ((Number(stats.mode) & 0o777 & ~modeInStore(reader.mode)) !== 0) return false
  const buffer = Buffer.allocUnsafeSlow(Math.min(chunkBytes, object.size))
  let position = 0
  for await (const chunk of reader.chunks()) {
    await pace?.(chunk.byteLength, signal, 'compare')
    const same = await readFully(handle, buffer.subarray(0, chunk.byteLength), position)
    if (Buffer.compare(same, chunk) !== 0) return false
    position += chunk.byteLength
    if (position < object.size) onProgress?.(position)
  }
  return reader.result().sha256 === object.sha256
}

/** Reads until the buffer is full or the file ends. */
async function readFully(handle: FileHandle, buffer: Buffer, position: number): Promise<Buffer> {
  let filled = 0
  while (filled < buffer.byteLength) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.byteLength - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

/** Stores the verified file of an object under a second key. */
async function share(
  disk: Disk,
  key: string,
  from: string,
  verified: BigIntStats,
  { size, sha256 }: SourceObject,
  { signal, onProgress, beforeVisible, onVisible }: PutOptions,
): Promise<PutResult> {
  const { fileSystem, names, folders } = disk
  const path = names.path(key)
  const result: PutResult = await throughTemporaryFile(disk, key, {
    create: (temporary) => cloneOrLink(disk, from, temporary, verified),
    write: async (handle) => {
      const stats = await handle.stat({ bigint: true })
      if (stats.ino !== verified.ino) await handle.sync() // the bytes of a link are durable
      return stats
    },
    beforeVisible,
    publish: async (temporary, stats) => {
      throwIfAborted(signal, `The put of ${key}`, { key, url: names.url })
      const source = stats.ino === verified.ino ? stats : await lstatIfThere(fileSystem, from)
      if (source === undefined || revisionOf(source) !== revisionOf(verified))
        throw new CannotShare(`${from} changed after it was verified`)
      await renameUnlessSwept(fileSystem, temporary, path)
      // A rename does nothing if both names are links to one file, as after a put that failed late.
      if (stats.ino === verified.ino) await unlinkIfThere(fileSystem, temporary)
      const { revision, modifiedAt: storedAt } = statOf(key, stats)
      const shared = { key, size, revision, storedAt, sha256, reused: 'shared' } as const
      onVisible?.(shared)
      await folders.sync(dirname(path))
      return shared
    },
  })
  onProgress?.(size)
  return result
}

/** A temporary link is as old as its file, so a sweep of another process may take it for a leftover. */
async function renameUnlessSwept(fileSystem: FileSystem, temporary: string, path: string): Promise<void> {
  try {
    await fileSystem.rename(temporary, path)
  } catch (error) {
    if (!failedWith(error, 'ENOENT')) throw error
    throw new CannotShare(`${temporary} was removed`, { cause: error })
  }
}

/** Clones a file, or creates a hard link to it where the file system has no clones. */
async function cloneOrLink(
  { fileSystem, cloning, openFlags }: Disk,
  from: string,
  to: string,
  { mode, nlink }: BigIntStats,
): Promise<FileHandle> {
  if (cloning.mayWork) {
    try {
      return await cloning.clone(fileSystem, from, to, modeInStore(Number(mode) & 0o777))
    } catch (error) {
      if (!(error instanceof CannotClone)) throw error
    }
  }
  if (nlink >= mostNames) throw new CannotShare(`${from} has ${nlink} names already`)
  try {
    await fileSystem.link(from, to)
  } catch (error) {
    // The folder of the new name may be missing, which the caller creates.
    if (failedWith(error, 'ENOENT') && (await lstatIfThere(fileSystem, from)) !== undefined) throw error
    throw new CannotShare(`${from} cannot be linked`, { cause: error })
  }
  return fileSystem.open(to, openFlags)
}
