import { type ErrorCode, HoldfastError } from '@holdfast/core/backend'
import { failedWith } from './errors.ts'
import type { FileSystem } from './file-system.ts'

/** Folders that are remembered, at most. */
const mostRemembered = 1000

/**
 * The folders of one store that were seen to be folders, and no symbolic links: those could lead out of the root. Each
 * is looked at once. A link that is planted in its place after that is not seen; the root is to be writable by its
 * owner only.
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

  /** Notes what was made or looked at just now. */
  add(folder: string): void {
    if (this.#seen.size >= mostRemembered) this.#seen.clear()
    this.#seen.add(folder)
  }

  /** To be called once one of some folders turns out to be gone: what is there later is another one. */
  forget(folders: readonly string[]): void {
    for (const folder of folders) this.#seen.delete(folder)
  }

  /**
   * Refuses folders, the outermost first, one of which is a link. Those behind one that is missing are not looked at.
   * `code` is that of the error: for a writer the place is not valid, for a reader a link is damage.
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
  return new HoldfastError(code, `${folder} is a symbolic link, and could lead out of the store. Remove it.`)
}
