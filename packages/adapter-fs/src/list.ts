import type { Dirent } from 'node:fs'
import { join } from 'node:path'
import {
  compareKeys,
  concurrently,
  isUnreadable,
  keyFault,
  type ListOptions,
  type ObjectStat,
  throwIfAborted,
} from '@holdfast/core/backend'
import type { Disk } from './disk.ts'
import { failedWith } from './errors.ts'
import { refuseFile } from './folders.ts'
import { temporaryPrefix } from './names.ts'
import { statOf } from './read.ts'

/** Files that are looked at at once. */
const looksAtOnce = 64

/**
 * Walks the folders in the order of keys. Temporary files, links and whatever else is no regular file are not
 * listed; what vanishes meanwhile is passed over. One bad sector must not hide the other files: a file that cannot be
 * looked at is listed all the same, and a folder below the prefix that cannot be read is passed over.
 */
export async function* list(disk: Disk, prefix: string, options: ListOptions): AsyncGenerator<ObjectStat> {
  const { startAfter = '', limit = Infinity, signal } = options
  if (limit <= 0) return
  let listed = 0
  const keys = keysBelow(disk, '', prefix, startAfter)
  for await (const some of inWindows(keys, Math.min(limit, looksAtOnce))) {
    throwIfAborted(signal, `Listing ${prefix}`, { url: disk.names.url })
    const found = await concurrently(some, looksAtOnce, signal, (key) => statIfThere(disk, key))
    for (const object of found) {
      if (object === undefined) continue
      yield object
      listed += 1
      if (listed >= limit) return
    }
  }
}

/** So many of them at a time, in their order. */
async function* inWindows<Item>(items: AsyncIterable<Item>, size: number): AsyncGenerator<readonly Item[]> {
  let window: Item[] = []
  for await (const item of items) {
    window.push(item)
    if (window.length < size) continue
    yield window
    window = []
  }
  if (window.length > 0) yield window
}

/** `folder` is the key of a folder with its slash, or empty for the root. */
async function* keysBelow(
  disk: Disk,
  folder: string,
  prefix: string,
  startAfter: string,
): AsyncGenerator<string> {
  const children = await childrenOf(disk, folder, prefix)
  // Looked at before they are sorted: of a long catalog only the end is asked for.
  const wanted = children.filter((child) => mayMatch(child, prefix, startAfter))
  for (const { key, isFolder } of wanted.sort((one, other) => compareKeys(one.key, other.key))) {
    if (isFolder) yield* keysBelow(disk, key, prefix, startAfter)
    else yield key
  }
}

/** Whether a file matches, or a folder may hold one that does. */
function mayMatch({ key, isFolder }: Child, prefix: string, startAfter: string): boolean {
  if (!isFolder) return key.startsWith(prefix) && compareKeys(key, startAfter) > 0
  const mayHold = key.startsWith(prefix) || prefix.startsWith(key)
  const isBefore = compareKeys(key, startAfter) <= 0 && !startAfter.startsWith(key)
  return mayHold && !isBefore
}

interface Child {
  readonly key: string
  readonly isFolder: boolean
}

/**
 * The children of a folder, in no order. Where the prefix names one of them whole, its siblings, of which there
 * may be many, are not read.
 */
async function childrenOf(disk: Disk, folder: string, prefix: string): Promise<readonly Child[]> {
  const end = prefix.indexOf('/', folder.length)
  if (end < 0) {
    try {
      return await allChildren(disk, folder)
    } catch (error) {
      // Only below what the caller asks for: to take that for empty would lose everything in it.
      if (isUnreadable(error) && folder.length > prefix.length) return []
      throw error
    }
  }
  if (keyFault(prefix.slice(folder.length, end)) !== undefined) return []
  const only = prefix.slice(0, end)
  return (await isFolder(disk, only)) ? [{ key: `${only}/`, isFolder: true }] : []
}

async function isFolder({ fileSystem, names, seen }: Disk, key: string): Promise<boolean> {
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
async function allChildren(disk: Disk, folder: string): Promise<readonly Child[]> {
  const children = await readFolder(disk, folder)
  return children
    .filter((child) => child.isDirectory() || (child.isFile() && !child.name.startsWith(temporaryPrefix)))
    .map((child) => ({
      key: `${folder}${child.name}${child.isDirectory() ? '/' : ''}`,
      isFolder: child.isDirectory(),
    }))
}

/** What is in a folder, named by its key; nothing when it is not there. A file in the place of the root is refused. */
export async function readFolder({ fileSystem, names }: Disk, folder: string): Promise<readonly Dirent[]> {
  const path = join(names.root, folder)
  try {
    return await fileSystem.readdir(path, { withFileTypes: true })
  } catch (error) {
    if (!failedWith(error, 'ENOENT', 'ENOTDIR')) throw error
    if (failedWith(error, 'ENOTDIR') && folder === '') await refuseFile(fileSystem, path)
    return []
  }
}

async function statIfThere({ fileSystem, names }: Disk, key: string): Promise<ObjectStat | undefined> {
  try {
    const stats = await fileSystem.lstat(join(names.root, key), { bigint: true })
    return stats.isFile() ? statOf(key, stats) : undefined
  } catch (error) {
    if (failedWith(error, 'ENOENT', 'ENOTDIR')) return undefined
    // Its time is not known: as a new one it is deleted by nobody for its age.
    if (isUnreadable(error)) return { key, size: 0, modifiedAt: new Date(), revision: 'unreadable' }
    throw error
  }
}
