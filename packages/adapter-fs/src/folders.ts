import { dirname } from 'node:path'
import { concurrently, HoldfastError } from '@holdfast/core'
import { failedWith } from './errors.ts'
import type { FileSystem } from './file-system.ts'
import { FolderSyncs } from './folder-syncs.ts'

/** Folders that are remembered to be durable, at most. */
const mostRemembered = 1000

/** Makes the folders of one store, and sees to it that they, and the names in them, last. */
export class DurableFolders {
  readonly #fileSystem: FileSystem
  readonly #syncs: FolderSyncs
  readonly #durable = new Set<string>()

  constructor(fileSystem: FileSystem, syncs = new FolderSyncs(fileSystem)) {
    this.#fileSystem = fileSystem
    this.#syncs = syncs
  }

  /**
   * Makes a folder and those above it that are missing. Each that was made is put at the front of `made`, so that the
   * caller can remove them again, also when this fails half-way. One that another process makes meanwhile is no error;
   * fails with `ENOENT` when another process removes one meanwhile.
   */
  async make(folder: string, made: string[]): Promise<void> {
    try {
      await this.#makeOne(folder, made)
    } catch (error) {
      if (!failedWith(error, 'ENOENT') || dirname(folder) === folder) throw error
      await this.make(dirname(folder), made)
      await this.#makeOne(folder, made)
    }
  }

  /**
   * Makes the names of some folders durable: of those that were just made, and of others unless it is known that they
   * are, since another process may have made them and may die before it has synced their names.
   */
  async ensure(folders: readonly string[], made: readonly string[]): Promise<void> {
    if (this.#durable.size > mostRemembered) this.#durable.clear()
    const unsure = [...made, ...folders.filter((folder) => !this.#durable.has(folder))]
    const parents = [...new Set(unsure.map((folder) => dirname(folder)))]
    await concurrently(parents, parents.length, undefined, (parent) => this.sync(parent))
    for (const folder of folders) this.#durable.add(folder)
  }

  /** Makes what happened to the names in a folder durable. */
  async sync(folder: string): Promise<void> {
    await this.#syncs.sync(folder)
  }

  async #makeOne(folder: string, made: string[]): Promise<void> {
    this.#durable.delete(folder) // it was missing, so it is another one
    try {
      await this.#fileSystem.mkdir(folder)
    } catch (error) {
      if (!failedWith(error, 'EEXIST')) throw error
      await refuseFile(this.#fileSystem, folder)
      return
    }
    made.unshift(folder)
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
 * between this look and the call that follows is not seen; the root is to be writable by its owner only. Tells
 * whether all of them are there.
 */
export async function refuseLinks(fileSystem: FileSystem, folders: readonly string[]): Promise<boolean> {
  const looks = await Promise.allSettled(folders.map((folder) => fileSystem.lstat(folder)))
  for (const [index, look] of looks.entries()) {
    if (look.status === 'rejected') {
      if (failedWith(look.reason, 'ENOENT', 'ENOTDIR')) return false
      throw look.reason
    }
    if (look.value.isSymbolicLink()) {
      throw new HoldfastError(
        'INVALID_ARGUMENT',
        `${folders[index] ?? ''} is a symbolic link, and could lead out of the store. Remove it.`,
      )
    }
  }
  return true
}

/** Refuses a path, which must be there, where something else stands in the place of a folder. */
export async function refuseFile(fileSystem: FileSystem, folder: string): Promise<void> {
  if ((await fileSystem.stat(folder)).isDirectory()) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `${folder} is a file, and a folder is needed there. Choose another place.`,
  )
}
