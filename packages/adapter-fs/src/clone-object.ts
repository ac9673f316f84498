import {
  assertDigest,
  KnownBackends,
  type PutOptions,
  type PutResult,
  type ReopenableSource,
  type SourceObject,
  SourceReader,
  throwIfAborted,
} from '@holdfast/core/backend'
import { chunkBytes } from './chunk-bytes.ts'
import type { Disk } from './disk.ts'
import { hashClone } from './hash-clone.ts'
import type { Names } from './names.ts'
import { publish } from './publish.ts'
import { modeInStore, throughTemporaryFile } from './temporary-file.ts'

/** The names of the backends of this adapter, whose files `put` of another backend can clone. */
export const knownNames = new KnownBackends<Names>()

/** Returns the path of an object of this store; `undefined` if it is one of another store. */
export function pathIn({ names }: Disk, object: SourceObject): string | undefined {
  return knownNames.of(object)?.root === names.root ? names.path(object.key) : undefined
}

/**
 * Clones a source that is a file of another store on the same file system, and verifies the clone by its digest. Returns
 * `undefined` if that is impossible or fails, or if the digest differs. The source is then read.
 */
export async function cloneObject(
  disk: Disk,
  key: string,
  { object }: ReopenableSource,
  options: PutOptions,
): Promise<PutResult | undefined> {
  const { fileSystem, names, cloning } = disk
  const path = object === undefined ? undefined : knownNames.of(object)?.path(object.key)
  if (object === undefined || path === undefined || !cloning.mayWork) return undefined
  const { signal } = options
  try {
    await using reader = await SourceReader.open(
      { path },
      { chunkBytes, chunksHeld: 1, size: object.size, signal },
    )
    return await throughTemporaryFile(disk, key, {
      create: (to) => cloning.clone(fileSystem, path, to, modeInStore(reader.mode)),
      write: (temporary) => hashClone(temporary, reader, options),
      publish: async (temporary, written) => {
        assertDigest(key, written, object)
        throwIfAborted(signal, `The put of ${key}`, { key, url: names.url })
        return publish(disk, key, temporary, written)
      },
    })
  } catch {
    throwIfAborted(signal, `The put of ${key}`, { key, url: names.url })
    return undefined
  }
}
