import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { opendir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { HoldfastError } from '@holdfast/core'
import { fromNodeError } from '@holdfast/core/backend'
import { type Candidate, isGone } from './find-candidates.ts'

const maxFiles = 200_000
const maxDepth = 32

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
  /** Equal if no file was written, added, removed or replaced between two snapshots. */
  readonly fingerprint: string
  readonly bytes: number
  /** The modification time of the newest file in milliseconds, by the clock of its file system. */
  readonly modifiedAt: number
}

/** Returns `undefined` if a part of the checkpoint is being deleted. */
export async function takeSnapshot(candidate: Candidate): Promise<Snapshot | undefined> {
  try {
    const found = candidate.isFolder
      ? await filesBelow(candidate)
      : [await fileAt(candidate.name, basename(candidate.path), candidate.path)]
    const files = found
      .filter((file) => file !== undefined)
      .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    const hash = createHash('sha256')
    for (const { name, identity } of files) hash.update(`${name}\0${identity}\n`)
    return {
      files: files.map(({ modifiedAt: _, ...file }) => file),
      fingerprint: hash.digest('hex'),
      bytes: files.reduce((sum, { size }) => sum + size, 0),
      modifiedAt: files.reduce((latest, file) => Math.max(latest, file.modifiedAt), 0),
    }
  } catch (error) {
    if (isGone(error)) return undefined
    throw error instanceof HoldfastError ? error : fromNodeError(error, `reading ${candidate.path}`)
  }
}

type FoundFile = SnapshotFile & { readonly modifiedAt: number }

async function filesBelow(candidate: Candidate): Promise<readonly FoundFile[]> {
  const files: FoundFile[] = []
  const folders = ['']
  for (let inside = folders.pop(); inside !== undefined; inside = folders.pop()) {
    if (inside.split('/').length > maxDepth || files.length > maxFiles) {
      throw new HoldfastError(
        'INVALID_ARGUMENT',
        `${candidate.path} has more than ${maxFiles} files, or lies more than ${maxDepth} folders deep.`,
      )
    }
    for await (const entry of await opendir(join(candidate.path, inside))) {
      const child = inside === '' ? entry.name : `${inside}/${entry.name}`
      const path = join(candidate.path, child)
      const file = entry.isDirectory() ? undefined : await fileAt(`${candidate.name}/${child}`, child, path)
      if (file === undefined) folders.push(child)
      else files.push(file)
    }
  }
  return files
}

/** Returns `undefined` for a folder. Follows links, as a save does. */
async function fileAt(name: string, inside: string, path: string): Promise<FoundFile | undefined> {
  const stats = await stat(path, { bigint: true })
  if (stats.isDirectory()) return undefined
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
