import type { BigIntStats, Dirent } from 'node:fs'
import * as promises from 'node:fs/promises'
import { basename, join, resolve, sep } from 'node:path'
import { concurrently } from '../../async/concurrently.ts'
import { throwIfAborted } from '../../errors.ts'
import { hiddenPrefix } from '../../local-files/delivery/hidden-folder.ts'
import {
  type KnownStoreFolder,
  knownStoreFolders,
  type StoreFolder,
} from '../../local-files/store-folders.ts'
import {
  below,
  kindOf,
  listing,
  type Named,
  reading,
  refused,
  refuseExchange,
  refuseNonUtf8,
  type SavedFolder,
  statOfListed,
  statOfNamed,
} from './entries.ts'
import { type Excludes, ignoredIn } from './exclusions.ts'

/** The number of folders to read at once, and of entries to examine at once in each. */
const foldersAtOnce = 4
const looksAtOnce = 16

/** The maximum depth of nested folders. */
const mostDepth = 64

/** A file that a walk has found. */
export interface FoundFile {
  /** The name in the checkpoint. */
  readonly name: string
  /** The absolute path. */
  readonly path: string
  readonly stats: BigIntStats
}

export interface WalkOptions {
  /** The folders of the store and of its mirror on this machine. A folder that contains one of them is rejected. */
  readonly storeFolders: readonly StoreFolder[]
  readonly excludes: Excludes
  readonly signal: AbortSignal | undefined
  /** The largest number of files and folders to examine. */
  readonly mostEntries: number
}

interface Folder extends SavedFolder {
  /** The folders that contain it, up to the saved folder. */
  readonly within: readonly string[]
}

/**
 * Finds the files of a save. Walks folders and follows links. The number of entries, the depth and, by the signal, the
 * time are limited. Rejects if an entry cannot be saved, and names it and the reason. Omits only excluded entries and
 * the hidden folders of restores.
 */
export class Walk {
  readonly #options: WalkOptions
  /** Set once a folder is read, which might contain one of them. */
  #stores: Promise<readonly KnownStoreFolder[]> | undefined
  readonly #files: FoundFile[] = []
  readonly #empty = new Set<string>()
  readonly #links: string[] = []
  #looked = 0

  constructor(options: WalkOptions) {
    this.#options = options
  }

  get files(): readonly FoundFile[] {
    return this.#files
  }

  /** Symbolic links in folders, which the save followed, by their names in the checkpoint. */
  get links(): readonly string[] {
    return this.#links.toSorted()
  }

  /** Folders without files, by their names in the checkpoint. */
  get emptyFolders(): readonly string[] {
    return [...this.#empty].sort()
  }

  /** Adds files and folders with names. Rejects with `INVALID_ARGUMENT` if one of them does not exist. */
  async add(named: readonly Named[]): Promise<void> {
    const looks = await concurrently(named, looksAtOnce, this.#options.signal, async ({ name, path }) => {
      if (name === '') throw refused(`${path} has no name. Save the folders in it.`)
      this.#count(path)
      return { name, path, stats: await statOfNamed(path, name) }
    })
    for (const look of looks) await this.#addNamed(look)
  }

  async #addNamed({ name, path, stats }: FoundFile): Promise<void> {
    const isFolder = stats.isDirectory()
    if (this.#options.excludes({ relative: name, name, isFolder })) return
    if (!isFolder) {
      this.#addFile({ name, path, stats })
      return
    }
    const ignored = await ignoredIn(path)
    const excludes: Excludes = (entry) => this.#options.excludes(entry) || ignored(entry)
    const queue: Folder[] = [{ name, path, relative: '', excludes, within: [] }]
    while (queue.length > 0) {
      const batch = queue.splice(0, foldersAtOnce)
      const found = await concurrently(batch, foldersAtOnce, this.#options.signal, (each) => this.#read(each))
      queue.push(...found.flat())
    }
  }

  /** Adds the files of one folder, and returns its subfolders. */
  async #read(folder: Folder): Promise<readonly Folder[]> {
    const { name, path, within } = folder
    const stats = await statOfListed(path, name)
    const identity = `${stats.dev}:${stats.ino}`
    if (within.includes(identity)) throw refused(`${path} is a link to a folder that contains it.`, name)
    if (within.length >= mostDepth)
      throw refused(`${path} is more than ${mostDepth} levels below the saved folder.`, name)
    await this.#refuseStores(folder, stats)
    this.#empty.add(name)
    const entries = await this.#entriesOf(folder)
    const looks = await concurrently(entries, looksAtOnce, this.#options.signal, (entry) =>
      this.#look(folder, entry),
    )
    return looks
      .filter((look) => look !== undefined)
      .map(({ name: childName, path: childPath, relative }) => ({
        name: childName,
        path: childPath,
        relative,
        excludes: folder.excludes,
        within: [...within, identity],
      }))
  }

  /** Returns the entries that are not excluded by their names alone. */
  async #entriesOf({ name, path, relative, excludes }: Folder): Promise<readonly Dirent[]> {
    const entries: Dirent[] = []
    for await (const entry of listing({ name, path })) {
      this.#count(path)
      if (entry.name.startsWith(hiddenPrefix) && !entry.isFile()) {
        await refuseExchange({ name, path }, entry.name)
        continue
      }
      const excluded = excludes({
        relative: below(relative, entry.name),
        name: `${name}/${entry.name}`,
        isFolder: entry.isDirectory(),
      })
      if (excluded) this.#fill(name)
      else entries.push(entry)
    }
    if (entries.some((entry) => entry.name.includes('\ufffd')))
      await refuseNonUtf8({ name, path, relative, excludes })
    return entries
  }

  /** Adds a file, or returns a folder, which is read later. */
  async #look(
    folder: Folder,
    entry: Dirent,
  ): Promise<Pick<Folder, 'name' | 'path' | 'relative'> | undefined> {
    const child = {
      name: `${folder.name}/${entry.name}`,
      path: join(folder.path, entry.name),
      relative: below(folder.relative, entry.name),
    }
    const stats = await statOfListed(child.path, child.name)
    if (!stats.isDirectory()) {
      this.#addFile({ ...child, stats })
      if (entry.isSymbolicLink()) this.#links.push(child.name)
      return undefined
    }
    // Only now is it known that the link leads to a folder.
    if (!folder.excludes({ ...child, isFolder: true })) {
      if (entry.isSymbolicLink()) this.#links.push(child.name)
      return child
    }
    this.#fill(folder.name)
    return undefined
  }

  #addFile({ name, path, stats }: FoundFile): void {
    if (!stats.isFile())
      throw refused(`${path} is ${kindOf(stats)}, and only files and folders can be saved.`, name)
    this.#files.push({ name, path: resolve(path), stats })
    this.#fill(name)
  }

  /** Records that the folders of a name are not empty. */
  #fill(name: string): void {
    for (let end = name.length; end > 0; end = name.lastIndexOf('/', end - 1))
      this.#empty.delete(name.slice(0, end))
  }

  #count(path: string): void {
    const { signal, mostEntries } = this.#options
    throwIfAborted(signal, 'The save')
    this.#looked += 1
    if (this.#looked <= mostEntries) return
    throw refused(
      `There are more than ${mostEntries} files and folders to save. The last one found is in ${path}. ` +
        'Save fewer, exclude some, or pack them into an archive.',
    )
  }

  /** A checkpoint that contains its own store or mirror would grow with each save, because it would contain all earlier ones. */
  async #refuseStores(folder: Folder, stats: BigIntStats): Promise<void> {
    const { storeFolders } = this.#options
    if (storeFolders.length === 0) return
    const real = await reading(folder, () => promises.realpath(folder.path))
    this.#stores ??= knownStoreFolders(promises, storeFolders)
    for (const { name, folder: store } of await this.#stores) {
      const holds =
        store.is(stats) ||
        store.realPath === real ||
        (store.isBelow(real) && !excludesBelow(folder, store.realPath.slice(real.length)))
      if (!holds) continue
      throw refused(
        `${folder.path} contains ${name}. Save another folder, exclude it, or move it.`,
        below(folder.relative, basename(store.realPath)),
      )
    }
  }
}

/** Whether a folder excludes a path below it, or a folder on the way there. */
function excludesBelow({ name, relative, excludes }: Folder, path: string): boolean {
  const parts = path.split(sep).filter((part) => part !== '')
  return parts.some((_, index) => {
    const child = parts.slice(0, index + 1).join('/')
    return excludes({ relative: below(relative, child), name: `${name}/${child}`, isFolder: true })
  })
}
