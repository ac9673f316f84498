import { dirname } from 'node:path'
import { type FreeSpace, HoldfastError } from '@holdfast/core/backend'
import type { Disk } from './disk.ts'
import { failedWith } from './errors.ts'

/**
 * Returns the space that the file system has left for an unprivileged user. This is `f_bavail`, since a part of
 * `f_bfree` is reserved for root: https://man7.org/linux/man-pages/man3/statvfs.3.html. If the root does not exist yet,
 * the nearest folder above it is measured.
 */
export async function freeSpace({ fileSystem, names }: Disk): Promise<FreeSpace> {
  for (let folder = names.root; ; folder = dirname(folder)) {
    try {
      const { bavail, bfree, blocks, bsize, files, ffree } = await fileSystem.statfs(folder)
      const usable = blocks - bfree + bavail
      return {
        kind: 'measured',
        available: bavail * bsize,
        total: usable * bsize,
        // File systems that create inodes on demand, such as btrfs, report 0.
        ...(files > 0 ? { files: { available: ffree, total: files } } : {}),
      }
    } catch (error) {
      if (!failedWith(error, 'ENOENT') || dirname(folder) === folder) throw error
    }
  }
}

/** Returns the error of a call that found no space. The error names the inodes if the file system has none left. */
export async function spaceError(disk: Disk, error: unknown, what: string): Promise<unknown> {
  if (!failedWith(error, 'ENOSPC')) return error
  const free = await freeSpace(disk)
  if (free.kind !== 'measured' || free.files?.available !== 0) return error
  return new HoldfastError(
    'INSUFFICIENT_SPACE',
    `${what} failed: the file system has no inodes left. Delete files or folders of any size.`,
    { cause: error },
  )
}
