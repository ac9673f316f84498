import { randomUUID } from 'node:crypto'
import { chmod, lstat, mkdir, readdir, rename, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Moves a file or folder into the folder `aside`, and frees its space without deleting its files. On ext4 without a
 * journal, each new file looks through the inodes that were deleted within the last minutes (`recently_deleted` in
 * fs/ext4/ialloc.c of Linux). So deletions would slow down the run that is measured next.
 */
export async function setAside(path: string, aside: string): Promise<void> {
  await mkdir(aside, { recursive: true })
  const moved = join(aside, randomUUID())
  await rename(path, moved)
  await freeSpace(moved)
}

async function freeSpace(path: string): Promise<void> {
  const stats = await lstat(path)
  if (stats.isDirectory()) {
    for (const name of await readdir(path)) await freeSpace(join(path, name))
  } else if (stats.isFile() && stats.nlink === 1) {
    await chmod(path, 0o600) // the files of a store are read-only
    await truncate(path)
  } else {
    await rm(path) // this name only: the other names of a file with several keep its bytes
  }
}
