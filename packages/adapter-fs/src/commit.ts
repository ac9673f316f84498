import { dirname } from 'node:path'
import {
  type CommitOptions,
  type CommitOutcome,
  HoldfastError,
  throwIfAborted,
  writeFully,
} from '@holdfast/core/backend'
import type { Disk } from './disk.ts'
import { failedWith } from './errors.ts'
import type { FileSystem } from './file-system.ts'
import { unlinkIfThere } from './if-there.ts'
import { settleLostLink, unknownOutcome } from './lost-link.ts'
import { refuseNonFile } from './not-a-file.ts'
import { statOf } from './read.ts'
import { createEmpty, throughTemporaryFile } from './temporary-file.ts'

/** Answers of a file system that has no hard links, or allows none. */
const withoutHardLinks = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'] as const

/**
 * Answers of a file system that has refused the link for certain: https://man7.org/linux/man-pages/man2/link.2.html#ERRORS. Any
 * code that is not listed here may mean a lost answer.
 */
const refusals = ['EROFS', 'EACCES', 'ENAMETOOLONG', 'ENOSPC', 'EDQUOT', 'EXDEV', 'ELOOP', 'ENOTDIR'] as const

/**
 * Writes a temporary file, syncs it, links it to its name, and syncs the folder.
 *
 * `link` fails if the name exists, on every POSIX file system and over NFS:
 * https://man7.org/linux/man-pages/man2/link.2.html. `rename` would replace the file, and a check before it would be a
 * race. Node.js does not support `RENAME_NOREPLACE`. So a file system without hard links is rejected.
 */
export async function commit(
  disk: Disk,
  key: string,
  bytes: Uint8Array,
  { signal, onCreated, beforeVisible }: CommitOptions,
): Promise<CommitOutcome> {
  const { fileSystem, names, folders } = disk
  const details = { key, url: names.url }
  return throughTemporaryFile(disk, key, {
    create: createEmpty(fileSystem),
    write: async (handle) => {
      await writeFully(handle, bytes, 0)
      await handle.sync()
      return handle.stat({ bigint: true }) // a link does not change the inode or the modification time
    },
    beforeVisible,
    publish: async (temporary, stats) => {
      throwIfAborted(signal, `The commit of ${key}`, details)
      const path = names.path(key)
      const outcome = await linkOrFind(disk, temporary, path, bytes, details)
      try {
        await unlinkIfThere(fileSystem, temporary)
        // Also if the file exists: its creator may have died before its fsync, and the caller relies on the file.
        await folders.sync(dirname(path))
      } catch (error) {
        throw new HoldfastError('OUTCOME_UNKNOWN', `${key} exists, but could not be made durable.`, {
          ...details,
          cause: error,
        })
      }
      if (outcome === 'created') onCreated?.(statOf(key, stats).revision)
      return outcome
    },
  })
}

async function linkOrFind(
  disk: Disk,
  temporary: string,
  path: string,
  bytes: Uint8Array,
  details: { readonly key: string; readonly url: string },
): Promise<CommitOutcome> {
  const { fileSystem } = disk
  try {
    await fileSystem.link(temporary, path)
    return 'created'
  } catch (error) {
    if (failedWith(error, ...refusals)) throw error
    if (!failedWith(error, 'EEXIST', 'ENOENT', ...withoutHardLinks))
      return settleLostLink(disk, { temporary, path, bytes, error, details })
    // Over NFS, the response to a successful link may be lost, and the repeated link then fails. The number of links
    // shows whether it succeeded: https://man7.org/linux/man-pages/man2/link.2.html#BUGS.
    const links = await linkCount(fileSystem, temporary, error, details)
    if (links > 1) return 'created'
    if (failedWith(error, 'EEXIST')) {
      await refuseNonFile(fileSystem, path, details)
      return 'exists'
    }
    if (failedWith(error, 'ENOENT')) throw error
    throw noHardLinks(error, details)
  }
}

async function linkCount(
  fileSystem: FileSystem,
  temporary: string,
  linkError: unknown,
  details: { readonly key: string; readonly url: string },
): Promise<number> {
  try {
    return (await fileSystem.lstat(temporary)).nlink
  } catch (error) {
    throw unknownOutcome([linkError, error], details)
  }
}

function noHardLinks(cause: unknown, details: { readonly key: string; readonly url: string }): HoldfastError {
  return new HoldfastError(
    'UNSUPPORTED',
    `The file system of ${details.url} does not support hard links. Without them, two writers could overwrite each other's ` +
      'commits. Use a file system with hard links (ext4, xfs, btrfs, zfs, apfs, ntfs, nfs), or an object store.',
    { ...details, cause },
  )
}
