import type { FileHandle } from 'node:fs/promises'
import {
  assertDigest,
  DurableWriter,
  isFileSource,
  isReopenable,
  type PutOptions,
  type PutResult,
  type PutSource,
  SourceReader,
  throwIfAborted,
} from '@holdfast/core/backend'
import { chunkBytes } from './chunk-bytes.ts'
import { CannotClone } from './clone.ts'
import type { Disk } from './disk.ts'
import { cloneObject } from './clone-object.ts'
import { hashClone, type Written } from './hash-clone.ts'
import { publish } from './publish.ts'
import { putUnchanged } from './put-unchanged.ts'
import { putResumable } from './resumable-put.ts'
import { createEmpty, modeInStore, throughTemporaryFile } from './temporary-file.ts'

/** The number of chunks in memory: one is written, one is hashed, and one is read ahead. */
export const chunksInMemory = 3

/**
 * Writes or clones a temporary file, syncs it, renames it, and syncs the folder. Bytes and files of this machine are never
 * continued, since reading them again costs as much as reading what an earlier put left. A source whose bytes an object has may
 * share them with it.
 */
export async function put(
  disk: Disk,
  key: string,
  source: PutSource,
  options: PutOptions,
): Promise<PutResult> {
  const { fileSystem, names, cloning } = disk
  const { size, signal, observe, resume, unchanged } = options
  const compared = unchanged && (await putUnchanged(disk, key, source, unchanged, options))
  if (compared?.kind === 'shared') return compared.result
  if (isReopenable(source)) {
    const cloned = await cloneObject(disk, key, source, options)
    if (cloned !== undefined) return cloned
    if (resume !== undefined) return putResumable(disk, key, source, { ...options, resume })
  }
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
  const verifyAndPublish = async (temporary: string, written: Written): Promise<PutResult> => {
    if (resume !== undefined) assertDigest(key, written, resume)
    throwIfAborted(signal, `The put of ${key}`, { key, url: names.url })
    return publish(disk, key, temporary, written)
  }
  if (isFileSource(source) && cloning.mayWork && compared?.kind !== 'apart') {
    try {
      return await throughTemporaryFile(disk, key, {
        create: (path) => cloning.clone(fileSystem, source.path, path, modeInStore(reader.mode)),
        write: (temporary) => hashClone(temporary, reader, options),
        publish: verifyAndPublish,
      })
    } catch (error) {
      if (!(error instanceof CannotClone)) throw error
    }
  }
  return await throughTemporaryFile(disk, key, {
    create: createEmpty(fileSystem, modeInStore(reader.mode)),
    write: ({ handle }) => write(handle, reader, options),
    publish: verifyAndPublish,
  })
}

/** Writes all bytes of the reader, makes the file durable, and closes it. */
async function write(
  handle: FileHandle,
  reader: SourceReader,
  { signal, pace, onProgress }: PutOptions,
): Promise<Written> {
  const writer = new DurableWriter(handle, onProgress)
  try {
    for await (const chunk of reader.chunks()) {
      await pace?.(chunk.byteLength, signal)
      await writer.write(chunk)
    }
    await writer.finish()
    return { sha256: reader.result().sha256, stats: await handle.stat({ bigint: true }) }
  } finally {
    await writer.settle()
    await handle.close()
  }
}
