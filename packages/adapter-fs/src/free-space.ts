import type { StatsFs } from 'node:fs'
import { dirname } from 'node:path'
import { type FreeSpace, HoldfastError } from '@holdfast/core/backend'
import type { Disk } from './disk.ts'
import { failedWith } from './errors.ts'

/** Versions of Node.js that are older than https://github.com/nodejs/node/pull/62277 leave out the size of a block. */
type Measured = Omit<StatsFs, 'frsize'> & Partial<Pick<StatsFs, 'frsize'>>

/** The type of all FUSE file systems on Linux, including virtiofs: https://man7.org/linux/man-pages/man2/statfs.2.html. */
const fuse = 0x65735546

/** The largest block of a FUSE file system in bytes. A larger number is the size of a transfer. */
const maxFuseBlock = 65_536

/**
 * Returns the space that the file system has left for an unprivileged user. This is `f_bavail`, since a part of
 * `f_bfree` is reserved for root: https://man7.org/linux/man-pages/man3/statvfs.3.html. If the root does not exist yet,
 * the nearest folder above it is measured. The space is unknown if the file system does not support the call.
 */
export async function freeSpace({ fileSystem, names }: Disk): Promise<FreeSpace> {
  for (let folder = names.root; ; folder = dirname(folder)) {
    try {
      return spaceIn(await fileSystem.statfs(folder))
    } catch (error) {
      if (failedWith(error, 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP')) return { kind: 'unknown' }
      if (!failedWith(error, 'ENOENT') || dirname(folder) === folder) throw error
    }
  }
}

function spaceIn(stats: Measured): FreeSpace {
  const { bavail, bfree, blocks, files, ffree } = stats
  const blockBytes = blockBytesIn(stats)
  // A FUSE file system that does not implement the call reports 0 blocks.
  if (blockBytes === undefined || blocks === 0) return { kind: 'unknown' }
  return {
    kind: 'measured',
    available: bavail * blockBytes,
    total: (blocks - bfree + bavail) * blockBytes,
    // File systems that create inodes on demand, such as btrfs, report 0.
    ...(files > 0 ? { files: { available: ffree, total: files } } : {}),
  }
}

/**
 * Returns the unit in which blocks are counted; `undefined` if it is unknown. `bsize` is the preferred size of a transfer. It
 * equals the unit, except on FUSE. Where Docker Desktop shares a folder with a container, it is 256 times as large:
 * https://github.com/nodejs/node/pull/62277.
 */
function blockBytesIn({ type, bsize, frsize = 0 }: Measured): number | undefined {
  if (frsize > 0) return frsize
  return type === fuse && bsize > maxFuseBlock ? undefined : bsize
}

/** Returns the error of a call that found no space. The error names the inodes if the file system has none left. */
export async function spaceError(disk: Disk, error: unknown, what: string): Promise<unknown> {
  if (!failedWith(error, 'ENOSPC')) return error
  const free = await freeSpace(disk).catch(() => undefined) // the first error is the one to report
  if (free?.kind !== 'measured' || free.files?.available !== 0) return error
  const lack =
    free.available === 0
      ? 'no space and no inodes left. Delete large files, or many files'
      : 'no inodes left. Delete files or folders of any size'
  return new HoldfastError('INSUFFICIENT_SPACE', `${what} failed: the file system has ${lack}.`, {
    cause: error,
  })
}
