import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { failedWith } from './errors.ts'
import type { FileSystem } from './file-system.ts'
import { makeFolders, refuseLinks, removeEmpty } from './folders.ts'
import type { Names } from './names.ts'

const createNew = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL

/** Times that a folder which another process keeps removing is made again. */
const maxFolderRaces = 100

/**
 * Runs `publish` with a new temporary file beside `path`, open for writing. Afterwards, however it ends, the
 * temporary name is gone, and after a failure so are the folders that were made for it.
 */
export async function withTemporaryFile<T>(
  fileSystem: FileSystem,
  names: Names,
  key: string,
  publish: (temporary: { readonly path: string; readonly handle: FileHandle }) => Promise<T>,
): Promise<T> {
  await refuseLinks(fileSystem, names.foldersOf(key))
  const path = names.temporary(names.path(key))
  const { handle, made } = await createWithFolders(fileSystem, path)
  try {
    return await publish({ path, handle })
  } catch (error) {
    await unlinkIfThere(fileSystem, path)
    await removeEmpty(fileSystem, made)
    throw error
  }
}

export async function unlinkIfThere(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.unlink(path)
  } catch (error) {
    if (!failedWith(error, 'ENOENT')) throw error
  }
}

async function createWithFolders(
  fileSystem: FileSystem,
  path: string,
): Promise<{ readonly handle: FileHandle; readonly made: readonly string[] }> {
  const made: string[] = []
  try {
    for (let races = 0; ; races += 1) {
      const handle = await createIfFolderIsThere(fileSystem, path, races >= maxFolderRaces)
      if (handle !== undefined) return { handle, made }
      await makeFolders(fileSystem, dirname(path), made)
    }
  } catch (error) {
    await removeEmpty(fileSystem, made)
    throw error
  }
}

/** `undefined` when the folder is missing, or was made by us and removed since, as empty, by another process. */
async function createIfFolderIsThere(
  fileSystem: FileSystem,
  path: string,
  isLastTry: boolean,
): Promise<FileHandle | undefined> {
  try {
    return await fileSystem.open(path, createNew, 0o666)
  } catch (error) {
    if (failedWith(error, 'ENOENT') && !isLastTry) return undefined
    throw error
  }
}
