import { open, readlink, lstat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { NameFacts } from '../names/name-facts.ts'
import type { Candidate } from './find-candidates.ts'
import type { Snapshot } from './snapshot.ts'

/** A file of a checkpoint by its path below the checkpoint's folder, or a single file by its own name. */
export interface ContentFile {
  readonly name: string
  readonly size: number
}

/** A checkpoint as a layout sees it: names and sizes at one moment, and bytes on request. Read-only. */
export interface Contents {
  /** The name of the file or folder itself. */
  readonly name: string
  readonly isFolder: boolean
  /** The values that the placeholders of the pattern matched. */
  readonly captured: NameFacts
  readonly files: readonly ContentFile[]
  /** Reads bytes of a file. Returns fewer at the end of the file. */
  read(file: string, start: number, length: number): Promise<Uint8Array>
  /**
   * Returns the target name of a link next to the checkpoint, and the time at which the link was created
   * (milliseconds). Returns `undefined` if there is no such link.
   */
  linkBeside(name: string): Promise<{ readonly target: string; readonly modifiedAt: number } | undefined>
  /** The modification time of the newest file in milliseconds. */
  readonly modifiedAt: number
}

/** The largest text that layouts read, in bytes. A longer text is truncated, so it does not parse. */
const maxTextBytes = 64 * 2 ** 20

export async function readText(contents: Contents, file: string): Promise<string> {
  return Buffer.from(await contents.read(file, 0, maxTextBytes)).toString('utf8')
}

export function hasFile(contents: Contents, name: string): boolean {
  return contents.files.some((file) => file.name === name)
}

export function contentsOf(candidate: Candidate, snapshot: Snapshot): Contents {
  const paths = new Map(snapshot.files.map(({ inside, path }) => [inside, path]))
  return {
    name: basename(candidate.path),
    isFolder: candidate.isFolder,
    captured: candidate.captured,
    files: snapshot.files.map(({ inside, size }) => ({ name: inside, size })),
    modifiedAt: snapshot.modifiedAt,
    read: async (file, start, length) => {
      const path = paths.get(file)
      if (path === undefined) throw new Error(`${file} is not a file of ${candidate.name}`)
      return readRange(path, start, length)
    },
    linkBeside: (name) => readLinkAt(join(dirname(candidate.path), name)),
  }
}

async function readRange(path: string, start: number, length: number): Promise<Uint8Array> {
  await using file = await open(path, 'r')
  const { size } = await file.stat()
  const buffer = Buffer.alloc(Math.max(0, Math.min(length, size - start)))
  let filled = 0
  while (filled < buffer.byteLength) {
    const { bytesRead } = await file.read(buffer, filled, buffer.byteLength - filled, start + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

async function readLinkAt(
  path: string,
): Promise<{ readonly target: string; readonly modifiedAt: number } | undefined> {
  const stats = await lstat(path).catch(() => undefined)
  if (stats?.isSymbolicLink() !== true) return undefined
  return { target: basename(await readlink(path)), modifiedAt: stats.mtimeMs }
}
