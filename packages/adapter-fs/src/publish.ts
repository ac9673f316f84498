import type { BigIntStats } from 'node:fs'
import { dirname } from 'node:path'
import { HoldfastError, type PutResult } from '@holdfast/core/backend'
import type { Disk } from './disk.ts'
import { failedWith } from './errors.ts'
import { lstatIfThere } from './if-there.ts'
import { revisionOf, statOf } from './read.ts'
import type { Written } from './write-file.ts'

/**
 * Renames a temporary file to the name of a key, and makes the name durable. If the temporary file is gone, `isStored` decides
 * whether the file of the key has its bytes. A file system over a network may have renamed it and lost the response.
 */
export async function publish(
  disk: Disk,
  key: string,
  temporary: string,
  { sha256, stats }: Written,
  isStored: (found: BigIntStats, written: BigIntStats) => boolean = isSameFile,
): Promise<PutResult> {
  const { fileSystem, names, folders } = disk
  const path = names.path(key)
  let published = stats
  try {
    await fileSystem.rename(temporary, path)
  } catch (error) {
    if (!failedWith(error, 'ENOENT')) throw error
    const found = await lstatIfThere(fileSystem, path)
    if (found?.isFile() !== true || !isStored(found, stats)) throw removed(key, error)
    published = found
  }
  await folders.sync(dirname(path))
  const { size, revision, modifiedAt: storedAt } = statOf(key, published)
  return { key, size, revision, storedAt, sha256 }
}

function isSameFile(found: BigIntStats, written: BigIntStats): boolean {
  return revisionOf(found) === revisionOf(written)
}

function removed(key: string, cause: unknown): HoldfastError {
  return new HoldfastError(
    'UNAVAILABLE',
    `Another process removed the unfinished file of ${key}, such as a sweep. Try again.`,
    { cause },
  )
}
