import {
  assertDigest,
  isReopenable,
  type PutOptions,
  type PutResult,
  type PutSource,
  SourceReader,
  throwIfAborted,
} from '@holdfast/core/backend'
import { chunkBytes } from './chunk-bytes.ts'
import type { Disk } from './disk.ts'
import { publish } from './publish.ts'
import { putUnchanged } from './put-unchanged.ts'
import { putResumable } from './resumable-put.ts'
import { createEmpty, modeInStore, throughTemporaryFile } from './temporary-file.ts'
import { writeFile } from './write-file.ts'

/** The number of chunks in memory: one is written, one is hashed, and one is read ahead. */
export const chunksInMemory = 3

/**
 * Writes a temporary file, syncs it, renames it, and syncs the folder. Bytes and files of this machine are never continued,
 * since reading them again costs as much as reading what an earlier put left. Only an object that `unchanged` names shares its
 * bytes. A source is never cloned: a program that leaves it unchanged, or changes a part of it, would give several checkpoints
 * the same blocks of the disk, and no manifest would say so.
 */
export async function put(
  disk: Disk,
  key: string,
  source: PutSource,
  options: PutOptions,
): Promise<PutResult> {
  const { unchanged, resume } = options
  if (unchanged === undefined) {
    return isReopenable(source) && resume !== undefined
      ? putResumable(disk, key, source, { ...options, resume })
      : putWhole(disk, key, source, options)
  }
  return (
    (await putUnchanged(disk, key, source, unchanged.object, options)) ?? putWhole(disk, key, source, options)
  )
}

async function putWhole(disk: Disk, key: string, source: PutSource, options: PutOptions): Promise<PutResult> {
  const { fileSystem, names } = disk
  const { size, signal, observe, resume, beforeVisible, onVisible } = options
  const isObserved = observe !== undefined // then this thread has other work beside the hash
  await using reader = await SourceReader.open(source, {
    chunkBytes,
    chunksHeld: 1,
    copyBytes: true,
    size,
    hashInThread: isObserved,
    observer: observe?.(),
    signal,
  })
  return await throughTemporaryFile(disk, key, {
    create: createEmpty(fileSystem, modeInStore(reader.mode)),
    write: (handle) => writeFile(handle, reader, 0, options),
    beforeVisible,
    publish: async (temporary, written) => {
      if (resume !== undefined) assertDigest(key, written, resume)
      throwIfAborted(signal, `The put of ${key}`, { key, url: names.url })
      return publish(disk, key, temporary, written, { onVisible })
    },
  })
}
