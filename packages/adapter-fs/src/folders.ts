import { dirname } from 'node:path'
import { HoldfastError } from '@holdfast/core'
import { failedWith } from './errors.ts'
import type { FileSystem } from './file-system.ts'

/** Makes what happened to the names in a folder durable. */
export async function syncFolder(fileSystem: FileSystem, folder: string): Promise<void> {
  if (process.platform === 'win32') return // Windows has no way to sync a folder
  const handle = await fileSystem.open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Makes a folder and those above it that are missing, each durably. Each that was made is put at the front of
 * `made`, so that the caller can remove them again, also when this fails half-way. One that another process makes
 * meanwhile is no error; fails with `ENOENT` when another process removes one meanwhile.
 */
export async function makeFolders(fileSystem: FileSystem, folder: string, made: string[]): Promise<void> {
  try {
    await makeFolder(fileSystem, folder, made)
  } catch (error) {
    if (!failedWith(error, 'ENOENT') || dirname(folder) === folder) throw error
    await makeFolders(fileSystem, dirname(folder), made)
    await makeFolder(fileSystem, folder, made)
  }
}

async function makeFolder(fileSystem: FileSystem, folder: string, made: string[]): Promise<void> {
  try {
    await fileSystem.mkdir(folder)
  } catch (error) {
    if (!failedWith(error, 'EEXIST')) throw error
    await refuseFile(fileSystem, folder)
    return
  }
  made.unshift(folder)
  await syncFolder(fileSystem, dirname(folder))
}

/** Folders that are remembered to be durable, at most. */
const mostRemembered = 1000

/**
 * Sees to it that the folders of a file are durable themselves, also those that another process has made and may
 * die before it has synced their names. Each is looked after once.
 */
export class FolderDurability {
  readonly #durable = new Set<string>()

  /** `folders` from the outermost to the innermost; `made` are those that this process has just made, and synced. */
  async ensure(fileSystem: FileSystem, folders: readonly string[], made: readonly string[]): Promise<void> {
    if (this.#durable.size > mostRemembered) this.#durable.clear()
    for (const folder of folders) {
      if (this.#durable.has(folder)) continue
      if (!made.includes(folder)) await syncFolder(fileSystem, dirname(folder))
      this.#durable.add(folder)
    }
  }
}

/** Removes those of some folders that are empty, in the order given, up to the first that is in use. */
export async function removeEmpty(fileSystem: FileSystem, folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    try {
      await fileSystem.rmdir(folder)
    } catch (error) {
      if (failedWith(error, 'ENOENT')) continue // another process found it empty, and removed it
      if (failedWith(error, 'ENOTEMPTY', 'EEXIST', 'EBUSY', 'ENOTDIR')) return
      throw error
    }
  }
}

/**
 * Refuses a key one of whose folders is a symbolic link: it could lead out of the root. A link that is planted
 * between this look and the call that follows is not seen; the root is to be writable by its owner only.
 */
export async function refuseLinks(fileSystem: FileSystem, folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    try {
      const stats = await fileSystem.lstat(folder)
      if (stats.isSymbolicLink()) {
        throw new HoldfastError(
          'INVALID_ARGUMENT',
          `${folder} is a symbolic link, and could lead out of the store. Remove it.`,
        )
      }
    } catch (error) {
      if (failedWith(error, 'ENOENT', 'ENOTDIR')) return
      throw error
    }
  }
}

/** Refuses a path, which must be there, where something else stands in the place of a folder. */
export async function refuseFile(fileSystem: FileSystem, folder: string): Promise<void> {
  if ((await fileSystem.stat(folder)).isDirectory()) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `${folder} is a file, and a folder is needed there. Choose another place.`,
  )
}
