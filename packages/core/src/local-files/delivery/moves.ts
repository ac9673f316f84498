import { dirname } from 'node:path'
import { nodeErrorCode } from '../../node-errors.ts'
import { atDestination, ifThere } from '../destination-error.ts'
import type { LocalFileSystem } from '../file-system.ts'
import { makeFolders } from '../folders.ts'

/**
 * Moves a file, and makes its folder if it is missing. A missing file counts as moved already. Nothing is looked at before the
 * rename, because most files and their folders are there.
 */
export async function moveOnce(fileSystem: LocalFileSystem, from: string, to: string): Promise<void> {
  await atDestination(`putting ${to} in place`, async () => {
    try {
      await fileSystem.rename(from, to)
    } catch (error) {
      if (await isGone(fileSystem, from)) return
      if (nodeErrorCode(error) !== 'ENOENT') throw error
      await makeFolders(fileSystem, dirname(to), [])
      await renameOnce(fileSystem, from, to)
    }
  })
}

/** Renames a path. A missing path counts as renamed already. */
export async function renameOnce(fileSystem: LocalFileSystem, from: string, to: string): Promise<void> {
  try {
    await fileSystem.rename(from, to)
  } catch (error) {
    if (!(await isGone(fileSystem, from))) throw error
  }
}

export async function isGone(fileSystem: LocalFileSystem, path: string): Promise<boolean> {
  return (await ifThere(() => fileSystem.lstat(path))) === undefined
}
