import { isUtf8 } from 'node:buffer'
import type { BigIntStats, Dirent } from 'node:fs'
import * as promises from 'node:fs/promises'
import { basename, join } from 'node:path'
import { HoldfastError } from '../../errors.ts'
import { isExchanging } from '../../local-files/delivery/journal.ts'
import { fromNodeError, nodeErrorCode } from '../../node-errors.ts'
import type { Excludes } from './exclusions.ts'

/** A path with its name in the checkpoint. */
export interface Named {
  readonly name: string
  readonly path: string
}

/** A folder of a save. */
export interface SavedFolder extends Named {
  /** The path below the saved folder. Empty for the saved folder itself. */
  readonly relative: string
  readonly excludes: Excludes
}

export function below(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}

/** Examines a path that the caller named. Rejects with `INVALID_ARGUMENT` if it does not exist. */
export async function statOfNamed(path: string, name: string): Promise<BigIntStats> {
  return statOr(path, name, () =>
    refused(`${path} does not exist, so it cannot be saved. Pass the path of a file or a folder.`),
  )
}

/** Examines an entry that its folder listed. */
export async function statOfListed(path: string, name: string): Promise<BigIntStats> {
  return statOr(path, name, () => wasRemoved(path, name))
}

async function statOr(path: string, name: string, missing: () => HoldfastError): Promise<BigIntStats> {
  try {
    return await promises.stat(path, { bigint: true })
  } catch (error) {
    const code = nodeErrorCode(error)
    if (code === 'ELOOP') throw refused(`${path} is a link that leads to itself. Remove it.`, name)
    if (code === 'ENOTDIR') throw missing()
    if (code !== 'ENOENT') throw fromNodeError(error, `reading ${path}`)
    if (path.includes('\ufffd')) throw notUtf8(path, name)
    const target = await targetOf(path)
    if (target === undefined) throw missing()
    throw refused(`${path} is a link to ${target}, which does not exist. Remove the link.`, name)
  }
}

/** While a restore exchanges its files, a folder can contain files of two checkpoints. */
export async function refuseExchange({ name, path }: Named, hidden: string): Promise<void> {
  if (!(await reading({ name, path }, () => isExchanging(promises, join(path, hidden))))) return
  throw refused(
    `${path} may contain files of two checkpoints, because a restore into it was interrupted or is still running. ` +
      'Restore into it again, and then save it.',
  )
}

/** Returns the target of a link. `undefined` if nothing is at the path, or something else than a link. */
async function targetOf(path: string): Promise<string | undefined> {
  try {
    return await promises.readlink(path)
  } catch (error) {
    if (['ENOENT', 'EINVAL'].includes(nodeErrorCode(error) ?? '')) return undefined
    throw fromNodeError(error, `reading ${path}`)
  }
}

/** Node.js replaces invalid UTF-8 by U+FFFD, and a valid name may also contain that character. */
export async function refuseNonUtf8({ name, path, relative, excludes }: SavedFolder): Promise<void> {
  for (const bytes of await reading({ name, path }, () => promises.readdir(path, { encoding: 'buffer' }))) {
    if (isUtf8(bytes)) continue
    const child = bytes.toString()
    if (!excludes({ relative: below(relative, child), name: `${name}/${child}`, isFolder: false }))
      throw notUtf8(join(path, bytes.toString('latin1')), `${name}/${child}`)
  }
}

function notUtf8(path: string, name: string): HoldfastError {
  return refused(
    `The name of ${JSON.stringify(path)} is not valid UTF-8, so it cannot be kept. Rename it.`,
    name,
  )
}

export function kindOf(stats: BigIntStats): string {
  if (stats.isSocket()) return 'a socket'
  if (stats.isFIFO()) return 'a named pipe'
  return 'a device'
}

export async function reading<T>(entry: Named, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    throw readingError(error, entry)
  }
}

/** Yields the entries of a folder. Also an open folder can become unreadable. */
export async function* listing(folder: Named): AsyncGenerator<Dirent, void, undefined> {
  try {
    yield* await promises.opendir(folder.path)
  } catch (error) {
    throw readingError(error, folder)
  }
}

function readingError(error: unknown, { path, name }: Named): HoldfastError {
  if (['ENOENT', 'ENOTDIR'].includes(nodeErrorCode(error) ?? '')) return wasRemoved(path, name)
  return fromNodeError(error, `reading ${path}`)
}

function wasRemoved(path: string, name: string): HoldfastError {
  return refused(
    `${path} was removed while its folder was read. Save again when its writer has finished.`,
    name,
  )
}

/** `name` is the name in the checkpoint of the entry that the user could exclude. */
export function refused(message: string, name?: string): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    message,
    name === undefined ? {} : { hint: { kind: 'exclude', name: basename(name) } },
  )
}
