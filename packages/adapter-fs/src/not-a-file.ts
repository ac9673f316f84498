import type { BigIntStats } from 'node:fs'
import { HoldfastError } from '@holdfast/core/backend'
import { failedWith } from './errors.ts'
import type { FileSystem } from './file-system.ts'

/** Rejects a name that exists but that nothing can read as an object, such as that of a dangling link or a pipe. */
export async function refuseNonFile(
  fileSystem: FileSystem,
  path: string,
  details: { readonly key: string; readonly url: string },
): Promise<void> {
  const stats = await lstatIfThere(fileSystem, path)
  if (stats === undefined || stats.isFile()) return
  throw new HoldfastError(
    'CORRUPT',
    `${path} is ${kindOf(stats)}, and must be a file or absent. Holdfast did not create it. Remove it.`,
    details,
  )
}

/** Returns what is at a path, without following a link; `undefined` if nothing is. */
export async function lstatIfThere(fileSystem: FileSystem, path: string): Promise<BigIntStats | undefined> {
  try {
    return await fileSystem.lstat(path, { bigint: true })
  } catch (error) {
    if (failedWith(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}

function kindOf(stats: BigIntStats): string {
  if (stats.isSymbolicLink()) return 'a symbolic link'
  if (stats.isFIFO()) return 'a pipe'
  if (stats.isDirectory()) return 'a folder'
  return stats.isSocket() ? 'a socket' : 'a device'
}
