import * as promises from 'node:fs/promises'
import type { CheckpointBackend } from '../backend/index.ts'
import { HoldfastError, isHoldfastError } from '../errors.ts'
import type { LocalFileSystem } from '../local-files/file-system.ts'
import type { KnownFolder } from '../local-files/real-place.ts'
import { folderIfReachable } from '../local-files/store-folders.ts'
import { nodeErrorCode } from '../node-errors.ts'

/**
 * Rejects with `CONFIG` if nothing can ever be copied to a mirror: it is the store, a folder in it, or a file. A mirror that cannot be
 * reached is accepted, because it must not stop the saves.
 */
export async function refuseHopelessMirror(
  store: CheckpointBackend,
  mirror: CheckpointBackend,
  fileSystem: LocalFileSystem = promises,
  limit?: number,
): Promise<void> {
  const why = await whyHopeless(
    store,
    mirror,
    (path) => folderIfReachable(fileSystem, path, limit),
    fileSystem,
  )
  if (why === undefined) return
  const { url } = mirror
  throw new HoldfastError('CONFIG', `The mirror ${url} is ${why}. Name another place for the mirror.`, {
    url,
  })
}

async function whyHopeless(
  store: CheckpointBackend,
  mirror: CheckpointBackend,
  find: (path: string) => Promise<KnownFolder>,
  fileSystem: LocalFileSystem,
): Promise<string | undefined> {
  const inStore = `the store ${store.url}, or a folder in it`
  const [ours, theirs] = [store.capabilities.localRoot, mirror.capabilities.localRoot]
  if (theirs === undefined) return (await isPlaceInside(mirror, store)) ? inStore : undefined
  const folder = await find(theirs)
  try {
    if (ours !== undefined && (await (await find(ours)).holds(fileSystem, folder.place))) return inStore
    return (await isFile(fileSystem, folder)) ? 'a file, but must be a folder' : undefined
  } catch (error) {
    if (!isHoldfastError(error) && nodeErrorCode(error) === undefined) throw error
    return undefined // it can no longer be reached
  }
}

/** A path that does not exist, or did not answer, is no file. */
async function isFile(
  fileSystem: LocalFileSystem,
  { place: { path, existing } }: KnownFolder,
): Promise<boolean> {
  return path === existing && (await fileSystem.stat(path)).isFile()
}

/** Two servers may have the same URL, so the places decide. They are only asked for if the URLs are alike. */
async function isPlaceInside(inner: CheckpointBackend, outer: CheckpointBackend): Promise<boolean> {
  if (inner === outer) return true
  if (!isUrlInside(inner.url, outer.url)) return false
  const [place, other] = await Promise.all([inner.place(), outer.place()])
  return isUrlInside(place, other)
}

/** A URL without an authority, such as `mem:`, names no place that another backend could have. */
function isUrlInside(inner: string, outer: string): boolean {
  if (!inner.includes('://') || !outer.includes('://')) return false
  const [one, other] = [new URL(inner), new URL(outer)]
  const isSameServer =
    one.protocol === other.protocol && one.host === other.host && one.search === other.search
  return isSameServer && folderOf(one).startsWith(folderOf(other))
}

function folderOf({ pathname }: URL): string {
  return `${pathname.replace(/\/+$/, '')}/`
}
