import { dirname } from 'node:path'
import { type FreeSpace, HoldfastError } from '@holdfast/core/backend'
import type { Disk } from './disk.ts'
import { failedWith } from './errors.ts'

/**
 * What the file system has left for a user without privileges: `f_bavail`, not `f_bfree`, of which a part is
 * kept for root (statvfs(3)). Before the root is made, its nearest folder above answers.
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
        // File systems that make inodes as they need them, such as btrfs, report none.
        ...(files > 0 ? { files: { available: ffree, total: files } } : {}),
      }
    } catch (error) {
      if (!failedWith(error, 'ENOENT') || dirname(folder) === folder) throw error
    }
  }
}

/** The error of a call that found no space; names the inodes if those are what the file system lacks. */
export async function spaceError(disk: Disk, error: unknown, what: string): Promise<unknown> {
  if (!failedWith(error, 'ENOSPC')) return error
  const free = await freeSpace(disk)
  if (free.kind !== 'measured' || free.files?.available !== 0) return error
  return new HoldfastError(
    'INSUFFICIENT_SPACE',
    `${what} failed: the file system has no inodes left. Delete files or folders; their size does not matter.`,
    { cause: error },
  )
}
