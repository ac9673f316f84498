import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { failedWith } from './errors.ts'
import type { FileSystem } from './file-system.ts'

const cloneNew = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE

/**
 * Copy-on-write clones (FICLONE), where the file system has them (xfs, btrfs, zfs, apfs): the bytes are not written
 * again and take no room. Hashing what was cloned still reads it once, and the whole takes about two thirds of
 * the time of a copy.
 */
export class Cloning {
  #refused = false

  /** Whether it is worth a try: no file of this store has been refused yet. */
  get mayWork(): boolean {
    return !this.#refused
  }

  /**
   * Clones a file to a new name, gives it these permission bits, and opens it: to read, since a clone of a read-only
   * file is one too.
   */
  async clone(fileSystem: FileSystem, from: string, to: string, mode: number): Promise<FileHandle> {
    await fileSystem.copyFile(from, to, cloneNew)
    await fileSystem.chmod(to, mode) // `copyFile` also copies the set-user-ID bit
    return fileSystem.open(to, 'r')
  }

  /** Whether an error only says that this cannot be cloned. Remembers it, unless the next file may be luckier. */
  refuses(error: unknown): boolean {
    if (failedWith(error, 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'ENOTTY')) this.#refused = true
    // From another file system, or a file whose blocks cannot be shared.
    return this.#refused || failedWith(error, 'EXDEV', 'EINVAL', 'ETXTBSY')
  }
}
