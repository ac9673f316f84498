import { dirname, join } from 'node:path'
import { nodeErrorCode } from '../node-errors.ts'
import { atDestination, ifThere } from './destination-error.ts'
import type { LocalFileSystem } from './file-system.ts'
import type { DestinationFileSystem } from './on-platform.ts'

/**
 * Creates a folder and its missing parents with these permissions, or the default ones. Adds each created folder to `made`, the
 * outermost first. The `recursive` option of Node.js loops forever on a file system that cannot create folders, such as /proc.
 */
export async function makeFolders(
  fileSystem: Pick<LocalFileSystem, 'mkdir' | 'stat'>,
  folder: string,
  made: string[],
  mode?: number,
): Promise<void> {
  if (await isFolder(fileSystem, folder)) return
  const parent = dirname(folder)
  if (parent !== folder) await makeFolders(fileSystem, parent, made, mode)
  try {
    await fileSystem.mkdir(folder, { mode })
    made.push(folder)
  } catch (error) {
    const isThere = nodeErrorCode(error) === 'EEXIST' && (await isFolder(fileSystem, folder))
    if (!isThere) throw error // otherwise another process has created it
  }
}

async function isFolder(fileSystem: Pick<LocalFileSystem, 'stat'>, path: string): Promise<boolean> {
  return (await ifThere(() => fileSystem.stat(path)))?.isDirectory() === true
}

/** Removes the empty ones of these folders, in reverse order. */
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

/** Makes the entries of these folders durable. */
export async function syncFolders(
  fileSystem: Pick<DestinationFileSystem, 'syncFolder'>,
  folders: Iterable<string>,
): Promise<void> {
  for (const folder of new Set(folders))
    await atDestination(`syncing ${folder}`, () => fileSystem.syncFolder(folder))
}

/** Removes a folder and its contents. Removes links without following them. Ignores missing files. */
export async function removeTree(fileSystem: LocalFileSystem, path: string): Promise<void> {
  const children = await ifThere(() => fileSystem.readdir(path, { withFileTypes: true }))
  for (const child of children ?? []) {
    const childPath = join(path, child.name)
    if (child.isDirectory()) await removeTree(fileSystem, childPath)
    else await ifThere(() => fileSystem.unlink(childPath))
  }
  await ifThere(() => fileSystem.rmdir(path))
}
