import type { Dirent } from 'node:fs'
import { join } from 'node:path'
import { compareKeys, keyFault, type ListOptions, type ObjectStat, throwIfAborted } from '@holdfast/core'
import { failedWith } from './errors.ts'
import type { FileSystem } from './file-system.ts'
import { refuseFile } from './folders.ts'
import { type Names, temporaryPrefix } from './names.ts'
import { statOf } from './read.ts'
import type { SeenFolders } from './seen-folders.ts'

/**
 * Walks the folders in the order of keys. Temporary files, links and whatever else is no regular file are not
 * listed; what vanishes meanwhile is passed over.
 */
export async function* list(
  fileSystem: FileSystem,
  names: Names,
  seen: SeenFolders,
  prefix: string,
  options: ListOptions,
): AsyncGenerator<ObjectStat> {
  const { startAfter = '', limit = Infinity, signal } = options
  if (limit <= 0) return
  let listed = 0
  for await (const key of keysBelow(fileSystem, names, seen, '', prefix, startAfter)) {
    throwIfAborted(signal, `Listing ${prefix}`, { url: names.url })
    const found = await statIfThere(fileSystem, names, key)
    if (found === undefined) continue
    yield found
    listed += 1
    if (listed >= limit) return
  }
}

/** `folder` is the key of a folder with its slash, or empty for the root. */
async function* keysBelow(
  fileSystem: FileSystem,
  names: Names,
  seen: SeenFolders,
  folder: string,
  prefix: string,
  startAfter: string,
): AsyncGenerator<string> {
  for (const { key, isFolder } of await matchingChildren(fileSystem, names, seen, folder, prefix)) {
    if (!isFolder && key.startsWith(prefix) && compareKeys(key, startAfter) > 0) yield key
    const mayHold = key.startsWith(prefix) || prefix.startsWith(key)
    const isBefore = compareKeys(key, startAfter) <= 0 && !startAfter.startsWith(key)
    if (isFolder && mayHold && !isBefore) yield* keysBelow(fileSystem, names, seen, key, prefix, startAfter)
  }
}

interface Child {
  readonly key: string
  readonly isFolder: boolean
}

/**
 * The children of a folder that can hold a match. Where the prefix names one of them whole, its siblings, of which there
 * may be many, are not read.
 */
async function matchingChildren(
  fileSystem: FileSystem,
  names: Names,
  seen: SeenFolders,
  folder: string,
  prefix: string,
): Promise<readonly Child[]> {
  const end = prefix.indexOf('/', folder.length)
  if (end < 0) return sortedChildren(fileSystem, names, folder)
  if (keyFault(prefix.slice(folder.length, end)) !== undefined) return []
  const only = prefix.slice(0, end)
  return (await isFolder(fileSystem, names, seen, only)) ? [{ key: `${only}/`, isFolder: true }] : []
}

async function isFolder(
  fileSystem: FileSystem,
  names: Names,
  seen: SeenFolders,
  key: string,
): Promise<boolean> {
  const path = join(names.root, key)
  if (seen.has(path)) return true
  try {
    return (await fileSystem.lstat(path)).isDirectory()
  } catch (error) {
    if (!failedWith(error, 'ENOENT', 'ENOTDIR')) throw error
    if (failedWith(error, 'ENOTDIR')) await refuseFile(fileSystem, names.root)
    return false
  }
}

/** In the order of keys a folder counts with its slash: `a-b`, `a/b`, `a0`. */
async function sortedChildren(
  fileSystem: FileSystem,
  names: Names,
  folder: string,
): Promise<readonly Child[]> {
  const children = await readFolder(fileSystem, names, folder)
  return children
    .filter((child) => child.isDirectory() || (child.isFile() && !child.name.startsWith(temporaryPrefix)))
    .map((child) => ({
      key: `${folder}${child.name}${child.isDirectory() ? '/' : ''}`,
      isFolder: child.isDirectory(),
    }))
    .sort((one, other) => compareKeys(one.key, other.key))
}

/** What is in a folder, named by its key; nothing when it is not there. A file in the place of the root is refused. */
export async function readFolder(
  fileSystem: FileSystem,
  names: Names,
  folder: string,
): Promise<readonly Dirent[]> {
  const path = join(names.root, folder)
  try {
    return await fileSystem.readdir(path, { withFileTypes: true })
  } catch (error) {
    if (!failedWith(error, 'ENOENT', 'ENOTDIR')) throw error
    if (failedWith(error, 'ENOTDIR') && folder === '') await refuseFile(fileSystem, path)
    return []
  }
}

async function statIfThere(
  fileSystem: FileSystem,
  names: Names,
  key: string,
): Promise<ObjectStat | undefined> {
  try {
    const stats = await fileSystem.lstat(join(names.root, key), { bigint: true })
    return stats.isFile() ? statOf(key, stats) : undefined
  } catch (error) {
    if (failedWith(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}
