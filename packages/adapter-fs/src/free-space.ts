import { dirname } from 'node:path'
import type { FreeSpace } from '@holdfast/core'
import type { Disk } from './disk.ts'
import { failedWith } from './errors.ts'

/**
 * What the file system has left for a user without privileges: `f_bavail`, not `f_bfree`, of which a part is
 * kept for root (statvfs(3)). Before the root is made, its nearest folder above answers.
 */
export async function freeSpace({ fileSystem, names }: Disk): Promise<FreeSpace> {
  for (let folder = names.root; ; folder = dirname(folder)) {
    try {
      const { bavail, bfree, blocks, bsize } = await fileSystem.statfs(folder)
      const usable = blocks - bfree + bavail
      return { kind: 'measured', available: bavail * bsize, total: usable * bsize }
    } catch (error) {
      if (!failedWith(error, 'ENOENT') || dirname(folder) === folder) throw error
    }
  }
}
