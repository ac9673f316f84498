import { join } from 'node:path'
import {
  compareKeys,
  concurrently,
  isHoldfastError,
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
import { repeatRead } from './patient-reads.ts'
import { statAt } from './read.ts'
import { readFolder } from './read-folder.ts'

/** How many files are examined at once. */
const looksAtOnce = 64

/**
 * Walks the folders in key order. Lists only regular files, without temporary files and links. Files that vanish during
 * the call are skipped. A bad sector must not hide other files, so an unreadable file is listed, and an unreadable
 * folder below the prefix is skipped.
 */
export async function* list(disk: Disk, prefix: string, options: ListOptions): AsyncGenerator<ObjectStat> {
  const { startAfter = '', limit = Infinity } = options
  if (limit <= 0) return
  let listed = 0
  let last: Look | undefined
  for await (const look of lookAtKeys(disk, { ...options, prefix, startAfter, limit })) {
    last = look
    if (look.object === undefined) continue
    yield look.object
    listed += 1
    if (listed >= limit) return
  }
  // The folder was read before the files. Higher keys may have been created before the last file vanished.
  if (last !== undefined && last.object === undefined)
    yield* list(disk, prefix, { ...options, startAfter: last.key, limit: limit - listed })
}

/** A key in a folder, and its file; `undefined` if the file has vanished since the folder was read. */
interface Look {
  readonly key: string
  readonly object: ObjectStat | undefined
}

/** Which keys a walk yields. */
interface Walk extends ListOptions {
  readonly prefix: string
  readonly startAfter: string
  readonly limit: number
}

async function* lookAtKeys(disk: Disk, walk: Walk): AsyncGenerator<Look> {
  const { prefix, limit, signal } = walk
  for await (const some of inWindows(keysBelow(disk, '', walk), Math.min(limit, looksAtOnce))) {
    throwIfAborted(signal, `Listing ${prefix}`, { url: disk.names.url })
    yield* await concurrently(some, looksAtOnce, signal, async (key) => ({
      key,
      object: await statListed(disk, key, walk),
    }))
  }
}

/** Yields items in groups of a size, in order. */
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
async function* keysBelow(disk: Disk, folder: string, walk: Walk): AsyncGenerator<string> {
  const children = await childrenOf(disk, folder, walk)
  // Filter before sorting, since callers want only the end of a long catalog.
  const wanted = children.filter((child) => mayMatch(child, walk))
  for (const { key, isFolder } of wanted.sort((one, other) => compareKeys(one.key, other.key))) {
    if (isFolder) yield* keysBelow(disk, key, walk)
    else yield key
  }
}

/** Returns whether a file matches, or whether a folder may contain a match. */
function mayMatch({ key, isFolder }: Child, { prefix, startAfter }: Walk): boolean {
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
 * Returns the children of a folder, in no order. If the prefix contains the full name of a child, its siblings are not
 * read, since there may be many.
 */
async function childrenOf(disk: Disk, folder: string, walk: Walk): Promise<readonly Child[]> {
  const { prefix, signal } = walk
  const end = prefix.indexOf('/', folder.length)
  if (end < 0) {
    try {
      return await allChildren(disk, folder, walk)
    } catch (error) {
      // Only below the prefix. Treating the folder of the prefix as empty would hide everything in it.
      if (isUnreadable(error) && folder.length > prefix.length) return []
      throw error
    }
  }
  if (keyFault(prefix.slice(folder.length, end)) !== undefined) return []
  const only = prefix.slice(0, end)
  const path = join(disk.names.root, only)
  const isThere = await repeatRead(() => isFolder(disk, path), {
    what: `looking at ${path}`,
    url: disk.names.url,
    signal,
  })
  return isThere ? [{ key: `${only}/`, isFolder: true }] : []
}

/** Rejects a link, which would otherwise look like a missing folder, and so like lost objects. */
async function isFolder({ fileSystem, names, seen }: Disk, path: string): Promise<boolean> {
  await seen.refuseLinks([path], 'CORRUPT')
  if (seen.has(path)) return true
  try {
    return (await fileSystem.lstat(path)).isDirectory()
  } catch (error) {
    if (!failedWith(error, 'ENOENT', 'ENOTDIR')) throw error
    if (failedWith(error, 'ENOTDIR')) await refuseFile(fileSystem, names.root)
    return false
  }
}

/** Returns all children. The key of a folder ends with a slash, so that they sort in key order: `a-b`, `a/b`, `a0`. */
async function allChildren(disk: Disk, folder: string, walk: Walk): Promise<readonly Child[]> {
  const children = (await readFolder(disk, folder, walk)) ?? []
  return children
    .filter((child) => child.isDirectory() || (child.isFile() && !child.name.startsWith(temporaryPrefix)))
    .map((child) => ({
      key: `${folder}${child.name}${child.isDirectory() ? '/' : ''}`,
      isFolder: child.isDirectory(),
    }))
}

/**
 * Returns the stat of a file; `undefined` if it has vanished, or if this user may read the names in its folder but not enter it,
 * and the caller omits the folder.
 */
async function statListed(
  disk: Disk,
  key: string,
  { mayOmit, signal }: Walk,
): Promise<ObjectStat | undefined> {
  try {
    return await statAt(disk, key, join(disk.names.root, key), signal)
  } catch (error) {
    // The time is unknown. The current time prevents a deletion because of the age.
    if (isUnreadable(error)) return { key, size: 0, modifiedAt: new Date(), revision: 'unreadable' }
    const folder = key.slice(0, key.lastIndexOf('/') + 1)
    const isForbidden = isHoldfastError(error, 'PERMISSION_DENIED') && folder !== ''
    if (isForbidden && mayOmit?.(folder) === true) return undefined
    throw error
  }
}
