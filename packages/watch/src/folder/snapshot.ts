import { createHash } from 'node:crypto'
import type { BigIntStats, Dirent } from 'node:fs'
import { opendir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { HoldfastError } from '@holdfast/core'
import { fromNodeError, nodeErrorCode } from '@holdfast/core/backend'
import { type Candidate, isGone } from './find-candidates.ts'

const maxEntries = 200_000
const maxDepth = 32

/** Node.js replaces invalid UTF-8 in a name by this character. A path with such a name does not exist. */
const invalidCharacter = '\uFFFD'

export interface SnapshotFile {
  /** The name in the checkpoint: the path below the watched folder. */
  readonly name: string
  /** The path below the checkpoint's folder. For a single file, its own name. */
  readonly inside: string
  readonly path: string
  readonly size: number
  /** Changes with every write to the file, and with every file that replaces it. */
  readonly identity: string
  /** Like `identity`, but does not change if the file is renamed. */
  readonly lasting: string
}

/** The state of the files of a checkpoint at one moment. */
export interface Snapshot {
  /** The files in the order of their names. */
  readonly files: readonly SnapshotFile[]
  /**
   * Entries that a checkpoint cannot contain, by their paths below its folder: links that lead nowhere or to a folder
   * above, sockets, pipes and devices.
   */
  readonly omitted: readonly string[]
  /** Equal if no file was written, added, removed or replaced between two snapshots. */
  readonly fingerprint: string
  readonly bytes: number
  /** The modification time of the newest file in milliseconds, by the clock of its file system. */
  readonly modifiedAt: number
}

/**
 * Returns `undefined` if a part of the checkpoint is being deleted. Rejects with `INVALID_ARGUMENT` if a name is not
 * valid UTF-8 or there are too many files, and with the error of the file system if a part cannot be read.
 */
export async function takeSnapshot(candidate: Candidate): Promise<Snapshot | undefined> {
  try {
    const found = candidate.isFolder ? await entriesBelow(candidate) : await singleFile(candidate)
    const files = found.files.toSorted((one, other) => (one.name < other.name ? -1 : 1))
    const hash = createHash('sha256')
    for (const { name, identity } of files) hash.update(`${name}\0${identity}\n`)
    return {
      files: files.map(({ modifiedAt: _, ...file }) => file),
      omitted: found.omitted.toSorted(),
      fingerprint: hash.digest('hex'),
      bytes: files.reduce((sum, { size }) => sum + size, 0),
      modifiedAt: files.reduce((latest, file) => Math.max(latest, file.modifiedAt), 0),
    }
  } catch (error) {
    if (!isGone(error)) throw fromNodeError(error, `reading ${candidate.path}`)
    const path = pathIn(error)
    if (path.includes(invalidCharacter)) throw notUtf8(path)
    return undefined
  }
}

type FoundFile = SnapshotFile & { readonly modifiedAt: number }

interface Entries {
  readonly files: readonly FoundFile[]
  readonly omitted: readonly string[]
}

async function singleFile({ name, path }: Candidate): Promise<Entries> {
  const stats = await stat(path, { bigint: true })
  return { files: stats.isFile() ? [fileOf(stats, name, basename(path), path)] : [], omitted: [] }
}

async function entriesBelow(candidate: Candidate): Promise<Entries> {
  const files: FoundFile[] = []
  const omitted: string[] = []
  const folders = ['']
  let count = 0
  for (let inside = folders.pop(); inside !== undefined; inside = folders.pop()) {
    if (inside.split('/').length > maxDepth) throw tooLarge(candidate.path)
    for await (const entry of await opendir(join(candidate.path, inside))) {
      const child = inside === '' ? entry.name : `${inside}/${entry.name}`
      const path = join(candidate.path, child)
      count += 1
      if (count > maxEntries) throw tooLarge(candidate.path)
      const found = await lookAt(entry, path)
      if (found === 'folder') folders.push(child)
      else if (found === 'no file') omitted.push(child)
      else files.push(fileOf(found, `${candidate.name}/${child}`, child, path))
    }
  }
  return { files, omitted }
}

/** Returns the state of a file. Follows links, as a save does, unless they lead nowhere or to a folder above. */
async function lookAt(entry: Dirent, path: string): Promise<BigIntStats | 'folder' | 'no file'> {
  if (entry.isDirectory()) return 'folder'
  try {
    const stats = await stat(path, { bigint: true })
    if (stats.isFile()) return stats
    return stats.isDirectory() && !(await leadsUp(path)) ? 'folder' : 'no file'
  } catch (error) {
    const isLink = entry.isSymbolicLink() && !entry.name.includes(invalidCharacter)
    if (isLink && ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(nodeErrorCode(error) ?? '')) return 'no file'
    throw error
  }
}

/** Returns whether a link leads to a folder that contains it. Following it would find the link again. */
async function leadsUp(link: string): Promise<boolean> {
  const [target, parent] = await Promise.all([realpath(link), realpath(dirname(link))])
  return `${parent}${sep}`.startsWith(target.endsWith(sep) ? target : `${target}${sep}`)
}

function fileOf(stats: BigIntStats, name: string, inside: string, path: string): FoundFile {
  return {
    name,
    inside,
    path,
    size: Number(stats.size),
    identity: [lastingIdentity(stats), stats.ctimeNs].join(':'),
    lasting: lastingIdentity(stats),
    modifiedAt: Number(stats.mtimeNs / 1000n) / 1000,
  }
}

function lastingIdentity({ ino, size, mtimeNs }: BigIntStats): string {
  return [ino, size, mtimeNs].join(':')
}

/** Returns the part of an identity that is the same until the file is written: its size and its modification time. */
export function writtenState(identity: string): string {
  return identity.split(':').slice(1, 3).join(':')
}

/** Returns the path that an error of the file system is about. */
function pathIn(error: unknown): string {
  return error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : ''
}

function tooLarge(path: string): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `${path} has more than ${maxEntries} files and folders, or is more than ${maxDepth} folders deep. Move what is not part of the checkpoint elsewhere.`,
  )
}

function notUtf8(path: string): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `The name of ${JSON.stringify(path)} is not valid UTF-8, so it cannot be kept. Rename it.`,
  )
}
