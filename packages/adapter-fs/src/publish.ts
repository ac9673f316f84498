import type { BigIntStats } from 'node:fs'
import { dirname } from 'node:path'
import { HoldfastError, type PutOptions, type PutResult } from '@holdfast/core/backend'
import type { Disk } from './disk.ts'
import { failedWith } from './errors.ts'
import { lstatIfThere } from './if-there.ts'
import { revisionOf, statOf } from './read.ts'
import type { Written } from './write-file.ts'

/** What else decides about the publication of a file, and who waits for it. */
export interface PublishOptions extends Pick<PutOptions, 'onVisible'> {
  /**
   * Returns whether the file of the key has the bytes of a temporary file that is gone. A file system over a network may have
   * renamed it and lost the response. Default: whether it is the same file.
   */
  readonly isStored?: (found: BigIntStats, written: BigIntStats) => boolean
}

/** Renames a temporary file to the name of a key, and makes the name durable. */
export async function publish(
  disk: Disk,
  key: string,
  temporary: string,
  { sha256, stats }: Written,
  { onVisible, isStored = isSameFile }: PublishOptions = {},
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
  const { size, revision, modifiedAt: storedAt } = statOf(key, published)
  const result = { key, size, revision, storedAt, sha256 }
  onVisible?.(result)
  await folders.sync(dirname(path))
  return result
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
