import { dirname } from 'node:path'
import { concurrently, HoldfastError } from '@holdfast/core/backend'
import { failedWith } from './errors.ts'
import type { FileSystem } from './file-system.ts'
import { FolderSyncs } from './folder-syncs.ts'
import type { SeenFolders } from './seen-folders.ts'

/** The largest number of folders that are remembered as durable. */
const mostRemembered = 1000

/** Creates the folders of one store, and makes their entries durable. */
export class DurableFolders {
  readonly #fileSystem: FileSystem
  readonly #seen: SeenFolders
  readonly #syncs: FolderSyncs
  readonly #durable = new Set<string>()

  constructor(fileSystem: FileSystem, seen: SeenFolders, syncs = new FolderSyncs(fileSystem)) {
    this.#fileSystem = fileSystem
    this.#seen = seen
    this.#syncs = syncs
  }

  /**
   * Creates missing folders, the outermost first, and rejects links among the existing ones. Each created folder is put
   * at the front of `made`, so that the caller can remove it again, also after a failure. A folder that another process
   * creates at the same time is no error. A folder that was seen before is assumed to exist.
   */
  async make(folders: readonly string[], made: string[]): Promise<void> {
    for (const folder of folders) {
      if (this.#seen.has(folder)) continue
      if (await this.#makeOne(folder, made)) this.#seen.add(folder)
      else await this.#seen.refuseLinks([folder])
    }
  }

  /** Creates the root and missing folders above it, as `make` does. Each of them may be a link. */
  async makeRoot(root: string, made: string[]): Promise<void> {
    try {
      if (!(await this.#makeOne(root, made))) await refuseFile(this.#fileSystem, root)
    } catch (error) {
      if (!failedWith(error, 'ENOENT') || dirname(root) === root) throw error
      await this.makeRoot(dirname(root), made)
      await this.#makeOne(root, made)
    }
  }

  /** Forgets folders after one of them was found missing. A folder with the same name is then a different one. */
  forget(folders: readonly string[]): void {
    this.#seen.forget(folders)
    for (const folder of folders) this.#durable.delete(folder)
  }

  /**
   * Makes the entries of folders durable, unless they are known to be. This includes folders that this process did not
   * create: another process may have created them and died before its fsync.
   */
  async ensure(folders: readonly string[], made: readonly string[]): Promise<void> {
    if (this.#durable.size > mostRemembered) this.#durable.clear()
    const unsure = [...made, ...folders.filter((folder) => !this.#durable.has(folder))]
    if (unsure.length === 0) return
    const parents = [...new Set(unsure.map((folder) => dirname(folder)))]
    await concurrently(parents, parents.length, undefined, (parent) => this.sync(parent))
    for (const folder of folders) this.#durable.add(folder)
  }

  /** Makes changes of the names in a folder durable. */
  async sync(folder: string): Promise<void> {
    await this.#syncs.sync(folder)
  }

  /** Resolves when all folders are closed. */
  async close(): Promise<void> {
    await this.#syncs.close()
  }

  /** Creates a folder. Returns false if it existed. */
  async #makeOne(folder: string, made: string[]): Promise<boolean> {
    try {
      await this.#fileSystem.mkdir(folder)
    } catch (error) {
      if (failedWith(error, 'EEXIST')) return false
      throw error
    }
    this.#durable.delete(folder) // it was missing, so this is a new folder
    made.unshift(folder)
    return true
  }
}

/**
 * Errors of `rmdir` for a folder that stays. The last five are those of a folder that this user may not remove, or of a file
 * system that does not allow it. Linux checks the permissions before it looks whether the folder is empty:
 * https://man7.org/linux/man-pages/man2/rmdir.2.html.
 */
const stays = ['ENOTEMPTY', 'EEXIST', 'EBUSY', 'ENOTDIR', 'EACCES', 'EPERM', 'EROFS', 'EINVAL', 'ENOTSUP']

/** Removes empty folders in the given order, up to the first one that stays. An empty folder does no harm. */
export async function removeEmpty(fileSystem: FileSystem, folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    try {
      await fileSystem.rmdir(folder)
    } catch (error) {
      if (failedWith(error, 'ENOENT')) continue // another process has removed it
      if (failedWith(error, ...stays)) return
      throw error
    }
  }
}

/** Throws if an existing path is not a folder, or if a part of the path is a file. */
export async function refuseFile(fileSystem: FileSystem, folder: string): Promise<void> {
  try {
    if ((await fileSystem.stat(folder)).isDirectory()) return
  } catch (error) {
    if (!failedWith(error, 'ENOTDIR')) throw error
    await refuseFile(fileSystem, dirname(folder))
    return
  }
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `${folder} is a file, but must be a folder. Choose another path.`,
  )
}
