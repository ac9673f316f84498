import { basename, dirname, join, parse, resolve, sep } from 'node:path'
import { nodeErrorCode } from '../node-errors.ts'
import { atDestination, ifThere, refused } from './destination-error.ts'
import type { LocalFileSystem } from './file-system.ts'

/** The target of a path after all links are resolved. Its last parts may be missing. */
export interface RealPlace {
  /** The whole path without links. */
  readonly path: string
  /** The part of the path that exists. */
  readonly existing: string
}

/**
 * Resolves the links of a path as far as it exists. Rejects with `INVALID_ARGUMENT` for a dangling link, and if a file
 * is in the place of a folder.
 */
export async function realPlaceOf(fileSystem: LocalFileSystem, path: string): Promise<RealPlace> {
  const existing = await atDestination(`looking at ${path}`, () => realPathOf(fileSystem, path))
  if (existing !== undefined) return { path: existing, existing }
  const parent = dirname(path)
  if (parent === path) throw refused(`${path} does not exist. Choose another folder.`) // a drive of Windows
  const above = await realPlaceOf(fileSystem, parent)
  return { path: join(above.path, basename(path)), existing: above.existing }
}

async function realPathOf(fileSystem: LocalFileSystem, path: string): Promise<string | undefined> {
  let here
  try {
    here = await ifThere(() => fileSystem.lstat(path))
  } catch (error) {
    if (nodeErrorCode(error) !== 'ENOTDIR') throw error
    throw refused(`A part of ${path} is a file, but must be a folder. Choose another folder.`)
  }
  if (here === undefined) return undefined
  const real = await ifThere(() => fileSystem.realpath(path))
  if (real === undefined && here.isSymbolicLink())
    throw refused(`${path} is a link to a path that does not exist. Remove it, or choose another folder.`)
  return real
}

/** Whether a path equals another one or is below it. Both must be free of links. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`)
}

/** A folder that is recognised by any path that leads to it: through links, bind mounts, or names in another case. */
export class KnownFolder {
  /** The path with all links resolved. */
  readonly place: RealPlace
  readonly #identity: string | undefined

  private constructor(place: RealPlace, identity: string | undefined) {
    this.place = place
    this.#identity = identity
  }

  /** A folder that does not exist yet is recognised by its path only. */
  static async at(fileSystem: LocalFileSystem, path: string): Promise<KnownFolder> {
    const place = await realPlaceOf(fileSystem, path)
    const isThere = place.path === place.existing
    return new KnownFolder(place, isThere ? await deviceAndInode(fileSystem, place.path) : undefined)
  }

  /** A folder that cannot be looked at is recognised by its path only. */
  static byPath(path: string): KnownFolder {
    const absolute = resolve(path)
    return new KnownFolder({ path: absolute, existing: parse(absolute).root }, undefined)
  }

  /** Whether a real path, which may be missing, is this folder or is below it. */
  async holds(fileSystem: LocalFileSystem, { path, existing }: RealPlace): Promise<boolean> {
    if (isWithin(path, this.realPath)) return true
    if (this.#identity === undefined) return false
    for (let each = existing; ; each = dirname(each)) {
      if ((await deviceAndInode(fileSystem, each)) === this.#identity) return true
      if (dirname(each) === each) return false
    }
  }

  /**
   * Whether this folder is below a real path. Ignores bind mounts, which a walk through that path encounters anyway.
   */
  isBelow(folder: string): boolean {
    return this.realPath !== folder && isWithin(this.realPath, folder)
  }

  /** Whether the folder with this device and inode is this folder. */
  is({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): boolean {
    return this.#identity === `${dev}:${ino}`
  }

  get realPath(): string {
    return this.place.path
  }
}

/** Returns `undefined` if the path does not exist any more. */
async function deviceAndInode(fileSystem: LocalFileSystem, path: string): Promise<string | undefined> {
  const stats = await atDestination(`looking at ${path}`, () =>
    ifThere(() => fileSystem.stat(path, { bigint: true })),
  )
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`
}
