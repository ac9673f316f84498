import { open, readlink, lstat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { NameFacts } from '../names/name-facts.ts'
import type { Candidate } from './find-candidates.ts'
import type { Snapshot } from './snapshot.ts'

/** One file of a checkpoint, by its path from the checkpoint's folder; a single file by its own name. */
export interface ContentFile {
  readonly name: string
  readonly size: number
}

/** A checkpoint as a layout sees it: names and sizes at one moment, and bytes on request. Read-only. */
export interface Contents {
  /** The name of the file or folder itself. */
  readonly name: string
  readonly isFolder: boolean
  /** What the placeholders of the pattern matched. */
  readonly captured: NameFacts
  readonly files: readonly ContentFile[]
  /** Bytes of a file; fewer if it ends before. */
  read(file: string, start: number, length: number): Promise<Uint8Array>
  /** The name that a link beside the checkpoint leads to, and when the link was made (milliseconds); `undefined` without one. */
  linkBeside(name: string): Promise<{ readonly target: string; readonly modifiedAt: number } | undefined>
  /** When the newest file was modified, in milliseconds. */
  readonly modifiedAt: number
}

/** Texts that layouts read are small. What is longer is cut, and does not parse. */
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
