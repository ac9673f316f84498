import { type Stats } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { basename, join, resolve, sep } from 'node:path'
import { concurrently, isFileSource } from '../../backend/index.ts'
import { HoldfastError } from '../../errors.ts'
import { fromNodeError } from '../../node-errors.ts'
import { assertFileNames } from '../../catalog/documents/file-names.ts'
import type { PlannedFile } from '../attempts/content.ts'
import type { FileContent, FilesToSave } from './request.ts'

/** Paths that are looked at at once, in one folder. */
const looksAtOnce = 16

/**
 * Every file that a save will write, with its size where it is known. Folders are walked, links are followed; one
 * that holds the store itself, at `localRoot`, is refused.
 * Rejects with `NOT_FOUND` for a path that is not there and `INVALID_ARGUMENT` for names that cannot be kept.
 */
export async function planFiles(files: FilesToSave, localRoot?: string): Promise<readonly PlannedFile[]> {
  const found = await concurrently(named(files), looksAtOnce, undefined, ([name, content]) =>
    planOne(name, content, localRoot),
  )
  const planned = found.flat()
  if (planned.length === 0) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      'A checkpoint needs at least one file; there is none to save.',
    )
  }
  assertFileNames(planned.map(({ name }) => name))
  return planned.toSorted((one, other) => (one.name < other.name ? -1 : 1))
}

function named(files: FilesToSave): readonly (readonly [string, FileContent])[] {
  if (typeof files === 'string') return [[basename(resolve(files)), files]]
  if (isList(files)) return files.map((path) => [basename(resolve(path)), path])
  return Object.entries(files)
}

function isList(
  files: readonly string[] | Readonly<Record<string, FileContent>>,
): files is readonly string[] {
  return Array.isArray(files)
}

async function planOne(
  name: string,
  content: FileContent,
  localRoot: string | undefined,
): Promise<readonly PlannedFile[]> {
  if (typeof content === 'string') return planPath(name, content, localRoot, [])
  if (content instanceof Uint8Array) return [{ name, source: content, size: content.byteLength }]
  if (typeof content !== 'object') throw noSource(name)
  if (isFileSource(content)) return planPath(name, content.path, localRoot, [])
  if (Symbol.asyncIterator in content) return [{ name, source: content, size: undefined }]
  throw noSource(name)
}

function noSource(name: string): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `The file ${JSON.stringify(name)} must be a path, bytes (Uint8Array) or a stream of bytes.`,
  )
}

async function planPath(
  name: string,
  path: string,
  localRoot: string | undefined,
  within: readonly string[],
): Promise<readonly PlannedFile[]> {
  const stats = await reading(path, () => stat(path))
  if (stats.isFile())
    return [{ name, source: { path: resolve(path) }, size: stats.size, mode: permissionsOf(stats) }]
  if (!stats.isDirectory()) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `${path} is neither a file nor a folder, and cannot be saved.`,
    )
  }
  const real = await reading(path, () => realpath(path))
  if (within.includes(real)) {
    throw new HoldfastError('INVALID_ARGUMENT', `${path} is a link to a folder that it lies in.`)
  }
  if (localRoot !== undefined && `${localRoot}${sep}`.startsWith(`${real}${sep}`)) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `${path} holds the store itself. Save a folder beside it, or move the store.`,
    )
  }
  const children = await reading(path, () => readdir(path))
  const found = await concurrently(children, looksAtOnce, undefined, (child) =>
    planPath(`${name}/${child}`, join(path, child), localRoot, [...within, real]),
  )
  return found.flat()
}

async function reading<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    throw fromNodeError(error, `reading ${path}`)
  }
}

/** Windows has no permission bits; what Node.js reports there is made up. */
function permissionsOf({ mode }: Stats): number | undefined {
  return process.platform === 'win32' ? undefined : mode & 0o777
}
