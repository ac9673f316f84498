import type { BigIntStats } from 'node:fs'
import { failedWith } from './errors.ts'
import type { FileSystem } from './file-system.ts'

/** Errors of a path that does not exist. */
const absent = ['ENOENT', 'ENOTDIR']

/** Returns what is at a path, without following a link; `undefined` if nothing is. */
export async function lstatIfThere(fileSystem: FileSystem, path: string): Promise<BigIntStats | undefined> {
  try {
    return await fileSystem.lstat(path, { bigint: true })
  } catch (error) {
    if (failedWith(error, ...absent)) return undefined
    throw error
  }
}

export async function unlinkIfThere(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.unlink(path)
  } catch (error) {
    if (!failedWith(error, ...absent)) throw error
  }
}
