import { dirname, join } from 'node:path'
import { atDestination, ifThere } from '../destination-error.ts'
import type { LocalFileSystem } from '../file-system.ts'
import { makeFolders, removeEmptyFolders, syncFolders } from '../folders.ts'
import { foldersOf } from './folders-of-names.ts'
import { type Exchange, exchangingFolder, type Journal, linkFile, undoingFolder } from './journal.ts'
import { isGone, renameOnce } from './moves.ts'

/** Returns the folders of these names that are links, or lie below one. The outermost come first. */
export function foldersBehind(links: readonly string[], names: readonly string[]): ReadonlySet<string> {
  const roots = new Set(links)
  const behind = new Set<string>()
  if (roots.size === 0) return behind
  for (const folder of names.flatMap(foldersOf))
    if (roots.has(folder) || foldersOf(folder).some((outer) => roots.has(outer))) behind.add(folder)
  return behind
}

/**
 * Moves links in place of folders into the folder of the exchange, makes the folders, and makes both durable, so that no file is
 * moved through a link. May be repeated.
 */
export async function replaceLinks(exchange: Exchange, journal: Journal): Promise<void> {
  const { fileSystem, root, hidden } = exchange
  for (const [index, link] of journal.links.entries()) {
    const path = join(root, link)
    await atDestination(`replacing the link ${path}`, async () => {
      const kept = join(hidden, exchangingFolder, linkFile(index))
      try {
        if (await isLink(fileSystem, path)) await fileSystem.rename(path, kept)
      } catch (error) {
        if (await isLink(fileSystem, path)) throw error // otherwise another process has moved it
      }
      // A folder may have taken the place of the link after the look. The process that moved it may have died.
      const moved = await ifThere(() => fileSystem.lstat(kept))
      if (moved?.isDirectory() === true) await renameOnce(fileSystem, kept, path)
    })
  }
  const folders = replacedFolders(exchange, journal)
  for (const folder of folders)
    await atDestination(`making ${folder}`, () => makeFolders(fileSystem, folder, []))
  if (folders.length > 0)
    await syncFolders(fileSystem, [...folders.map(dirname), join(hidden, exchangingFolder), hidden])
}

async function isLink(fileSystem: LocalFileSystem, path: string): Promise<boolean> {
  return (await ifThere(() => fileSystem.lstat(path)))?.isSymbolicLink() === true
}

/** Puts the links back that were moved. Their folders must be empty by then. May be repeated. */
export async function putLinksBack(exchange: Exchange, journal: Journal): Promise<void> {
  const { fileSystem, root, hidden } = exchange
  const folders = replacedFolders(exchange, journal)
  for (const [index, link] of journal.links.entries()) {
    const kept = join(hidden, undoingFolder, linkFile(index))
    const path = join(root, link)
    await atDestination(`putting the link ${path} back`, async () => {
      if (await isGone(fileSystem, kept)) return
      try {
        await removeEmptyFolders(
          fileSystem,
          folders.filter((folder) => folder === path || folder.startsWith(join(path, '/'))),
        )
        await fileSystem.rename(kept, path)
      } catch (error) {
        if (!(await isGone(fileSystem, kept))) throw error // otherwise another process has put it back
      }
    })
  }
}

/** Returns the paths of the folders that take the places of links, and of the folders in them. The outermost come first. */
function replacedFolders({ root }: Exchange, { files, links }: Journal): readonly string[] {
  const names = files.map(({ place }) => place)
  return [...foldersBehind(links, names)].map((folder) => join(root, folder))
}
