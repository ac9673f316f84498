import { type ErrorCode, HoldfastError } from '@holdfast/core/backend'
import { failedWith } from './errors.ts'
import type { FileSystem } from './file-system.ts'

/** The largest number of remembered folders. */
const mostRemembered = 1000

/**
 * Remembers which paths of one store are folders and not symbolic links, which could lead out of the root. Each path is
 * examined once. A link that replaces a folder later is not detected, so only the owner should be able to write to the
 * root.
 */
export class SeenFolders {
  readonly #fileSystem: FileSystem
  readonly #seen = new Set<string>()

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem
  }

  has(folder: string): boolean {
    return this.#seen.has(folder)
  }

  /** Remembers a folder that was created or examined just now. */
  add(folder: string): void {
    if (this.#seen.size >= mostRemembered) this.#seen.clear()
    this.#seen.add(folder)
  }

  /** Forgets folders after one of them was found missing. A folder with the same name is then a different one. */
  forget(folders: readonly string[]): void {
    for (const folder of folders) this.#seen.delete(folder)
  }

  /**
   * Throws if one of the folders, the outermost first, is a link. Folders inside a missing folder are not examined.
   * `code` is the code of the error: for a writer the place is invalid, and for a reader a link is damage.
   */
  async refuseLinks(folders: readonly string[], code: ErrorCode = 'INVALID_ARGUMENT'): Promise<void> {
    const unseen = folders.filter((folder) => !this.#seen.has(folder))
    const looks = await Promise.allSettled(unseen.map((folder) => this.#fileSystem.lstat(folder)))
    for (const [index, look] of looks.entries()) {
      const folder = unseen[index] ?? ''
      if (look.status === 'rejected') {
        if (failedWith(look.reason, 'ENOENT', 'ENOTDIR')) return
        throw look.reason
      }
      if (look.value.isSymbolicLink()) throw isLink(folder, code)
      if (look.value.isDirectory()) this.add(folder)
    }
  }
}

function isLink(folder: string, code: ErrorCode): HoldfastError {
  return new HoldfastError(
    code,
    `${folder} is a symbolic link, which could lead out of the store. Remove it.`,
  )
}
