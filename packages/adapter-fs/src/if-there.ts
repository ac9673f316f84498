import type { BigIntStats } from 'node:fs'
import { failedWith } from './errors.ts'
import type { FileSystem } from './file-system.ts'

/** Errors of a path that does not exist. */
const absent = ['ENOENT', 'ENOTDIR']

/** Errors of a folder or file system that allows no changes. */
const changesRefused = ['EACCES', 'EPERM', 'EROFS']

/** Returns what is at a path, without following a link; `undefined` if nothing is. */
export async function lstatIfThere(fileSystem: FileSystem, path: string): Promise<BigIntStats | undefined> {
  try {
    return await fileSystem.lstat(path, { bigint: true })
  } catch (error) {
    if (failedWith(error, ...absent)) return undefined
    throw error
  }
}

/** Removes a file. A folder that allows no removal may refuse it also for a file that does not exist, which is no error. */
export async function unlinkIfThere(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.unlink(path)
  } catch (error) {
    if (failedWith(error, ...absent)) return
    if (failedWith(error, ...changesRefused) && !(await mayBeThere(fileSystem, path))) return
    throw error
  }
}

async function mayBeThere(fileSystem: FileSystem, path: string): Promise<boolean> {
  try {
    return (await lstatIfThere(fileSystem, path)) !== undefined
  } catch {
    return true // the caller reports the refusal of the removal
  }
}
