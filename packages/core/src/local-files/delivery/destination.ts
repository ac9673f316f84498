import { constants } from 'node:fs'
import { basename, join, parse } from 'node:path'
import type { HoldfastError } from '../../errors.ts'
import { concurrently } from '../../async/concurrently.ts'
import { atDestination, ifThere, refused } from '../destination-error.ts'
import type { LocalFileSystem } from '../file-system.ts'
import { folderOf, foldersOf } from './folders-of-names.ts'
import { homePlace } from '../home-folder.ts'
import { mountPoints } from './mounts.ts'
import { isWithin, KnownFolder, type RealPlace, realPlaceOf } from '../real-place.ts'
import { type KnownStoreFolder, knownStoreFolders, type StoreFolder } from '../store-folders.ts'

const looksAtOnce = 16

/** The paths and the device that a rename into a folder requires. */
const writable = constants.W_OK | constants.X_OK

/** The folder that a checkpoint is restored into. */
export interface Destination {
  /** Absolute. */
  readonly root: string
  readonly real: RealPlace
  /** The folders of the store and of its mirror on this machine, which must not be written to. */
  readonly stores: readonly KnownStoreFolder[]
}

/**
 * Opens a destination without creating it. Rejects with `INVALID_ARGUMENT` if it is not a folder, or if it is in one of
 * `storeFolders`. Missing parent folders are allowed.
 */
export async function destinationAt(
  fileSystem: LocalFileSystem,
  root: string,
  storeFolders: readonly StoreFolder[],
): Promise<Destination> {
  const real = await realPlaceOf(fileSystem, root)
  const nearest = await atDestination(`looking at ${root}`, () => fileSystem.stat(real.existing))
  if (!nearest.isDirectory())
    throw refused(`${real.existing} is not a folder, so nothing can be restored into ${root}.`)
  const stores = await knownStoreFolders(fileSystem, storeFolders)
  for (const { name, folder } of stores) {
    if (await folder.holds(fileSystem, real))
      throw refused(`${root} is inside ${name}, and a restore would overwrite it. Choose another folder.`)
  }
  return { root, real, stores }
}

/**
 * Checks that one rename can move each file to its place. Creates nothing. Returns the links in place of folders. They lead to
 * folders in the destination, and must be replaced by folders first, because two names could otherwise have one place. Rejects
 * with `INVALID_ARGUMENT` for links that lead out of the destination, for a file in the place of a folder or the reverse, for
 * mount points, and for places in the store. Rejects with `PERMISSION_DENIED` for folders that are not writable.
 */
export async function checkPlaces(
  fileSystem: LocalFileSystem,
  destination: Destination,
  names: readonly string[],
): Promise<readonly string[]> {
  const { realFolders, links } = await checkFolders(fileSystem, destination, names)
  const mounts = await mountPoints(fileSystem)
  await concurrently(names, looksAtOnce, undefined, async (name) => {
    const folder = realFolders.get(folderOf(name))
    if (folder === undefined) return // nothing can be in a folder that is missing
    const path = join(destination.root, name)
    const stats = await atDestination(`looking at ${path}`, () => ifThere(() => fileSystem.lstat(path)))
    if (stats?.isDirectory() === true)
      throw refused(`${path} is a folder, but a file must be restored there. Remove the folder.`)
    // On overlay file systems files have device ids of their own, so only the list of mounts counts.
    if (mounts.has(join(folder, basename(name)))) throw isMount(path)
  })
  return links
}

interface CheckedFolders {
  /** The path of each folder that exists. It has no links, except in the path of the destination. */
  readonly realFolders: ReadonlyMap<string, string>
  /** The outermost links in place of folders. */
  readonly links: readonly string[]
}

/** Checks the folders of these names as `checkPlaces` does. */
export async function checkFolders(
  fileSystem: LocalFileSystem,
  destination: Destination,
  names: readonly string[],
): Promise<CheckedFolders> {
  const realFolders = new Map<string, string>()
  const links: string[] = []
  const { root, real } = destination
  if (real.existing !== real.path) return { realFolders, links } // no file has this place yet
  const { dev } = await atDestination(`looking at ${root}`, () => fileSystem.stat(root, { bigint: true }))
  const looking = { fileSystem, destination, mounts: await mountPoints(fileSystem), device: dev }
  const realRoot = await checkFolder(looking, '')
  if (realRoot !== undefined) realFolders.set('', realRoot)
  for (const folder of new Set(names.flatMap(foldersOf))) {
    const parent = realFolders.get(folderOf(folder))
    if (parent === undefined) continue // nothing is in a folder that is missing, or that will take the place of a link
    const path = await checkFolder(looking, folder)
    if (path === undefined) continue
    if (await isLink(fileSystem, join(parent, basename(folder)), path)) links.push(folder)
    else realFolders.set(folder, path)
  }
  return { realFolders, links }
}

/** Rejects with `INVALID_ARGUMENT` for a destination whose other files must not be removed. */
export async function refuseToClear(fileSystem: LocalFileSystem, destination: Destination): Promise<void> {
  const { root } = destination
  const why = await atDestination(`looking at ${root}`, () => reasonToKeepOthers(fileSystem, destination))
  if (why === undefined) return
  throw refused(
    `The other files in ${root} cannot be removed, because ${why}. Restore into a separate folder.`,
  )
}

/** Returns why the other files in a destination must not be removed, as the end of a sentence; `undefined` if they may be. */
export async function reasonToKeepOthers(
  fileSystem: LocalFileSystem,
  { real, stores }: Destination,
): Promise<string | undefined> {
  const here = await KnownFolder.at(fileSystem, real.path)
  for (const { name, folder, hasAnswered } of stores) {
    if (await here.holds(fileSystem, folder.place)) return `it contains ${name}`
    if (!hasAnswered) return `${name} (${folder.realPath}) has not answered yet, and may be there`
  }
  if (real.path === parse(real.path).root) return 'it is the root of the file system'
  const home = await homePlace(fileSystem)
  return home !== undefined && (await here.holds(fileSystem, home))
    ? 'it contains your home folder'
    : undefined
}

interface Looking {
  readonly fileSystem: LocalFileSystem
  readonly destination: Destination
  readonly mounts: ReadonlySet<string>
  /** The device of the destination. */
  readonly device: bigint
}

/** Returns the path of the folder with all links resolved; `undefined` if it does not exist. */
async function checkFolder(looking: Looking, folder: string): Promise<string | undefined> {
  const { fileSystem, destination, mounts, device } = looking
  const path = join(destination.root, folder)
  const place = await realPlaceOf(fileSystem, path)
  if (!isWithin(place.path, destination.real.path))
    throw refused(`${path} is a link that leads out of ${destination.root}. Remove it, or restore elsewhere.`)
  if (place.path !== place.existing) return undefined // The restore creates the folder later.
  const stats = await atDestination(`looking at ${path}`, () => fileSystem.stat(path, { bigint: true }))
  if (!stats.isDirectory())
    throw refused(`${path} is a file, but a folder must be restored there. Remove the file.`)
  const store = destination.stores.find(
    ({ folder: each }) => each.is(stats) || isWithin(place.path, each.realPath),
  )
  if (store !== undefined)
    throw refused(`${path} is ${store.name}, and a restore would overwrite it. Restore elsewhere.`)
  if (folder !== '' && (stats.dev !== device || mounts.has(place.path))) throw isMount(path)
  await atDestination(`writing into ${path}`, () => fileSystem.access(path, writable))
  return place.path
}

/** The path of a folder with all links resolved can also differ in case or in its normal form. */
async function isLink(fileSystem: LocalFileSystem, path: string, realPath: string): Promise<boolean> {
  if (path === realPath) return false
  const stats = await atDestination(`looking at ${path}`, () => fileSystem.lstat(path))
  return stats.isSymbolicLink()
}

function isMount(path: string): HoldfastError {
  return refused(
    `${path} is a mount point, and no file can be moved across it in one step. Restore elsewhere, or unmount it.`,
  )
}
