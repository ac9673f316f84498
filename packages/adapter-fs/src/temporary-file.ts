import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { HoldfastError } from '@holdfast/core'
import { failedWith, keyError } from './errors.ts'
import type { FileSystem } from './file-system.ts'
import { type FolderDurability, makeFolders, refuseFile, refuseLinks, removeEmpty } from './folders.ts'
import type { Names } from './names.ts'

const createNew = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL

/** Times that a folder which another process keeps removing is made again. */
const maxFolderRaces = 100

export interface TemporaryFile {
  readonly path: string
  /** Whoever was given the file closes it. */
  readonly handle: FileHandle
}

/** Creates a new file at a path, and opens it. */
export type Create = (path: string) => Promise<FileHandle>

export function createEmpty(fileSystem: FileSystem): Create {
  return (path) => fileSystem.open(path, createNew, 0o666)
}

/**
 * Runs `publish` with a new temporary file beside the file of a key. Afterwards, however it ends, the temporary
 * name is gone, and after a failure so are the folders that were made for it. Where even that fails, the error
 * is still that of `publish`: whether its outcome is known depends on it alone.
 */
export async function withTemporaryFile<T>(
  fileSystem: FileSystem,
  names: Names,
  durability: FolderDurability,
  key: string,
  create: Create,
  publish: (temporary: TemporaryFile) => Promise<T>,
): Promise<T> {
  await refuseLinks(fileSystem, names.foldersOf(key))
  const path = names.temporary(names.path(key))
  const folders = [names.root, ...names.foldersOf(key)]
  const made: string[] = []
  try {
    const handle = await createWithFolders(fileSystem, path, folders, create, made)
    try {
      await durability.ensure(fileSystem, names.foldersOf(key), made)
    } catch (error) {
      await handle.close()
      throw error
    }
    return await publish({ path, handle })
  } catch (error) {
    try {
      await unlinkIfThere(fileSystem, path)
      await removeEmpty(fileSystem, made)
    } catch (secondError) {
      throw leftBehind(keyError(error, `writing ${names.path(key)}`, key, names.url), path, secondError)
    }
    throw error
  }
}

function leftBehind(failure: HoldfastError, temporary: string, secondError: unknown): HoldfastError {
  return new HoldfastError(
    failure.code,
    `${failure.message} Then ${temporary} could not be cleared away either; a sweep will.`,
    {
      key: failure.key,
      url: failure.url,
      cause: new AggregateError([failure, secondError]),
      retryable: failure.retryable,
    },
  )
}

export async function unlinkIfThere(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.unlink(path)
  } catch (error) {
    if (!failedWith(error, 'ENOENT', 'ENOTDIR')) throw error
  }
}

/** Makes the folders that are missing, or that were made and then removed, as empty, by another process. */
async function createWithFolders(
  fileSystem: FileSystem,
  path: string,
  folders: readonly string[],
  create: Create,
  made: string[],
): Promise<FileHandle> {
  for (let races = 0; ; races += 1) {
    try {
      if (races > 0) await makeFolders(fileSystem, dirname(path), made)
      return await create(path)
    } catch (error) {
      if (failedWith(error, 'ENOTDIR')) for (const folder of folders) await refuseFile(fileSystem, folder)
      if (!failedWith(error, 'ENOENT') || races >= maxFolderRaces) throw error
    }
  }
}
