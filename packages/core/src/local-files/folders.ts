import { dirname, join } from 'node:path'
import { nodeErrorCode } from '../node-errors.ts'
import { atDestination, ifThere } from './destination-error.ts'
import type { LocalFileSystem } from './file-system.ts'

/**
 * Makes a folder and those above it. Adds each that it made to `made`, the outermost first. Node's own `recursive` tries
 * for ever where a file system makes no folders, as that of /proc.
 */
export async function makeFolders(
  fileSystem: LocalFileSystem,
  folder: string,
  made: string[],
): Promise<void> {
  if (await isFolder(fileSystem, folder)) return
  const parent = dirname(folder)
  if (parent !== folder) await makeFolders(fileSystem, parent, made)
  try {
    await fileSystem.mkdir(folder)
    made.push(folder)
  } catch (error) {
    const isThere = nodeErrorCode(error) === 'EEXIST' && (await isFolder(fileSystem, folder))
    if (!isThere) throw error // else another process made it meanwhile
  }
}

async function isFolder(fileSystem: LocalFileSystem, path: string): Promise<boolean> {
  return (await ifThere(() => fileSystem.stat(path)))?.isDirectory() === true
}

/** Removes those of some folders that are empty, the last first. */
export async function removeEmptyFolders(
  fileSystem: LocalFileSystem,
  folders: readonly string[],
): Promise<void> {
  for (const folder of folders.toReversed()) {
    try {
      await fileSystem.rmdir(folder)
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(nodeErrorCode(error) ?? '')) throw error
    }
  }
}

/** Makes the names in some folders durable. */
export async function syncFolders(fileSystem: LocalFileSystem, folders: Iterable<string>): Promise<void> {
  if (process.platform === 'win32') return // Windows has no way to sync a folder
  for (const folder of new Set(folders)) {
    await atDestination(`syncing ${folder}`, async () => {
      const handle = await fileSystem.open(folder, 'r')
      try {
        await handle.sync()
      } finally {
        await handle.close()
      }
    })
  }
}

/** Removes a folder with everything in it. Links are removed, not followed. What is gone already is no error. */
export async function removeTree(fileSystem: LocalFileSystem, path: string): Promise<void> {
  const children = await ifThere(() => fileSystem.readdir(path, { withFileTypes: true }))
  for (const child of children ?? []) {
    const childPath = join(path, child.name)
    if (child.isDirectory()) await removeTree(fileSystem, childPath)
    else await ifThere(() => fileSystem.unlink(childPath))
  }
  await ifThere(() => fileSystem.rmdir(path))
}
