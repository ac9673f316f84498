import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { failedWith } from './errors.ts'
import type { FileSystem } from './file-system.ts'

const cloneNew = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE

/** Errors that a link or a copy would meet, too, or that the caller acts upon, such as a missing folder. */
const lasting = ['ENOENT', 'ENOTDIR', 'EEXIST', 'ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE'] as const

/** Errors that apply to all files of a file system. */
const withoutClones = ['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'ENOTTY'] as const

/** The file system does not clone this file. It can still be linked or copied. */
export class CannotClone extends Error {}

/**
 * Creates copy-on-write clones (FICLONE) on file systems that support them (xfs, btrfs, zfs, apfs). A clone writes no
 * bytes, uses no space, and shares the blocks of the original.
 * https://man7.org/linux/man-pages/man2/ioctl_ficlone.2.html
 */
export class Cloning {
  #refused = false

  /** Whether the file system may support clones: it has not rejected one yet. */
  get mayWork(): boolean {
    return !this.#refused
  }

  /**
   * Clones a file to a new name, sets its permission bits, and opens it for reading. It cannot be opened for writing,
   * since a clone of a read-only file is read-only. Throws `CannotClone` if a link or a copy may work although the clone failed. ZFS,
   * for example, fails with EAGAIN for some seconds after the file was written: https://github.com/openzfs/zfs/pull/17455.
   */
  async clone(fileSystem: FileSystem, from: string, to: string, mode: number): Promise<FileHandle> {
    try {
      await fileSystem.copyFile(from, to, cloneNew)
    } catch (error) {
      if (failedWith(error, ...lasting)) throw error
      if (failedWith(error, ...withoutClones)) this.#refused = true
      throw new CannotClone(`${from} cannot be cloned`, { cause: error })
    }
    await fileSystem.chmod(to, mode) // `copyFile` also copies the set-user-ID bit
    return fileSystem.open(to, 'r')
  }
}
