import { dirname } from 'node:path'
import { concurrently, HoldfastError } from '@holdfast/core/backend'
import { failedWith } from './errors.ts'
import type { FileSystem } from './file-system.ts'
import { FolderSyncs } from './folder-syncs.ts'
import type { SeenFolders } from './seen-folders.ts'

/** Folders that are remembered to be durable, at most. */
const mostRemembered = 1000

/** Makes the folders of one store, and sees to it that they, and the names in them, last. */
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
   * Makes those of some folders, the outermost first, that are missing, and refuses links among those that are there.
   * Each that was made is put at the front of `made`, so that the caller can remove them again, also when this fails
   * half-way. One that another process makes meanwhile is no error. What has been seen is taken to be there still.
   */
  async make(folders: readonly string[], made: string[]): Promise<void> {
    for (const folder of folders) {
      if (this.#seen.has(folder)) continue
      if (await this.#makeOne(folder, made)) this.#seen.add(folder)
      else await this.#seen.refuseLinks([folder])
    }
  }

  /** Makes the root and those above it that are missing, as `make` does. Any of them may be a link. */
  async makeRoot(root: string, made: string[]): Promise<void> {
    try {
      if (!(await this.#makeOne(root, made))) await refuseFile(this.#fileSystem, root)
    } catch (error) {
      if (!failedWith(error, 'ENOENT') || dirname(root) === root) throw error
      await this.makeRoot(dirname(root), made)
      await this.#makeOne(root, made)
    }
  }

  /** To be called once one of some folders turns out to be gone: what is there later is another one. */
  forget(folders: readonly string[]): void {
    this.#seen.forget(folders)
    for (const folder of folders) this.#durable.delete(folder)
  }

  /**
   * Makes the names of some folders durable: of those that were just made, and of others unless it is known that they
   * are, since another process may have made them and may die before it has synced their names.
   */
  async ensure(folders: readonly string[], made: readonly string[]): Promise<void> {
    if (this.#durable.size > mostRemembered) this.#durable.clear()
    const unsure = [...made, ...folders.filter((folder) => !this.#durable.has(folder))]
    if (unsure.length === 0) return
    const parents = [...new Set(unsure.map((folder) => dirname(folder)))]
    await concurrently(parents, parents.length, undefined, (parent) => this.sync(parent))
    for (const folder of folders) this.#durable.add(folder)
  }

  /** Makes what happened to the names in a folder durable. */
  async sync(folder: string): Promise<void> {
    await this.#syncs.sync(folder)
  }

  /** Resolves when no folder is open any more. */
  async close(): Promise<void> {
    await this.#syncs.close()
  }

  /** Whether it was this call that made the folder, and not an earlier one. */
  async #makeOne(folder: string, made: string[]): Promise<boolean> {
    try {
      await this.#fileSystem.mkdir(folder)
    } catch (error) {
      if (failedWith(error, 'EEXIST')) return false
      throw error
    }
    this.#durable.delete(folder) // it was missing, so it is another one
    made.unshift(folder)
    return true
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

/** Refuses a path, which must be there, where something else stands in the place of a folder. */
export async function refuseFile(fileSystem: FileSystem, folder: string): Promise<void> {
  if ((await fileSystem.stat(folder)).isDirectory()) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `${folder} is a file, and a folder is needed there. Choose another place.`,
  )
}
