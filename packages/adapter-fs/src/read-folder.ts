import type { Dirent } from 'node:fs'
import { join } from 'node:path'
import { isHoldfastError, type ListOptions } from '@holdfast/core/backend'
import type { Disk } from './disk.ts'
import { failedWith } from './errors.ts'
import { refuseFile } from './folders.ts'
import { repeatRead } from './patient-reads.ts'

/**
 * Returns the entries of a folder, given by its key with a slash; empty for the root. A missing folder has none. Returns
 * `undefined` for a folder that this user may not read, and that the caller omits. Throws if the root is a file.
 */
export async function readFolder(
  { fileSystem, names }: Disk,
  folder: string,
  { mayOmit, signal }: Pick<ListOptions, 'mayOmit' | 'signal'>,
): Promise<readonly Dirent[] | undefined> {
  const path = join(names.root, folder)
  const read = async (): Promise<readonly Dirent[]> => {
    try {
      return await fileSystem.readdir(path, { withFileTypes: true })
    } catch (error) {
      if (!failedWith(error, 'ENOENT', 'ENOTDIR')) throw error
      if (failedWith(error, 'ENOTDIR') && folder === '') await refuseFile(fileSystem, path)
      return []
    }
  }
  try {
    return await repeatRead(read, { what: `reading ${path}`, url: names.url, signal })
  } catch (error) {
    const isForbidden = isHoldfastError(error, 'PERMISSION_DENIED') && folder !== ''
    if (isForbidden && mayOmit?.(folder) === true) return undefined
    throw error
  }
}
