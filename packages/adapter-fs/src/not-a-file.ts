import type { BigIntStats } from 'node:fs'
import { HoldfastError } from '@holdfast/core/backend'
import type { FileSystem } from './file-system.ts'
import { lstatIfThere } from './if-there.ts'

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

function kindOf(stats: BigIntStats): string {
  if (stats.isSymbolicLink()) return 'a symbolic link'
  if (stats.isFIFO()) return 'a pipe'
  if (stats.isDirectory()) return 'a folder'
  return stats.isSocket() ? 'a socket' : 'a device'
}
