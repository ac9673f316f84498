import { join } from 'node:path'
import { nodeErrorCode } from '../../node-errors.ts'
import { atDestination, ifThere, refused } from '../destination-error.ts'
import { type Destination, reasonToKeepOthers, refuseToClear } from './destination.ts'
import type { LocalFileSystem } from '../file-system.ts'
import { hiddenPrefix } from './hidden-folder.ts'
import { mountPoints } from './mounts.ts'

/** Maximum number of other files and folders. Beyond it a report stops and a removal is refused. */
const mostReported = 10_000
const mostRemoved = 100_000
const mostNames = 100

/** Files at a destination that are not part of the restored checkpoint. */
export interface OtherFiles {
  readonly count: number
  /** The first 100 paths, relative to the destination. */
  readonly names: readonly string[]
  /** Whether the count is complete. The count stops in a very large folder, and skips unreadable folders. */
  readonly isComplete: boolean
  /** Whether the files were removed. */
  readonly removed: boolean
  /**
   * Whether an exact restore removes such files. It refuses a destination that contains the store, its mirror or the home folder
   * of the user, and the root of the file system. It also refuses any destination while the mirror does not answer.
   */
  readonly removable: boolean
}

/** Counts the other files at a destination. No error of the file system rejects it: what cannot be read is not counted. */
export async function reportOthers(
  fileSystem: LocalFileSystem,
  destination: Destination,
  names: readonly string[],
): Promise<OtherFiles> {
  const { count, found, isComplete } = await walk(fileSystem, destination, names, {
    limit: mostReported,
    mayEnter: async (path) => {
      const stats = await ifThere(() => fileSystem.lstat(path, { bigint: true }))
      return stats !== undefined && !destination.stores.some(({ folder }) => folder.is(stats))
    },
    mayOmit: isOfFileSystem,
  })
  const removable = await isRemovable(fileSystem, destination)
  return { count, names: found, isComplete, removed: false, removable }
}

async function isRemovable(fileSystem: LocalFileSystem, destination: Destination): Promise<boolean> {
  try {
    return (await reasonToKeepOthers(fileSystem, destination)) === undefined
  } catch (error) {
    if (isOfFileSystem(error)) return false
    throw error
  }
}

function isOfFileSystem(error: unknown): boolean {
  return nodeErrorCode(error) !== undefined
}

/** What to remove: the outermost files and folders, and all files in them. */
export interface OthersToRemove {
  readonly entries: readonly string[]
  readonly others: OtherFiles
}

/**
 * Finds what to remove so that only the checkpoint remains. Rejects with `INVALID_ARGUMENT` if the destination must not be cleared
 * (see `refuseToClear`), if others include a mount point, or if there are too many to read.
 */
export async function othersToRemove(
  fileSystem: LocalFileSystem,
  destination: Destination,
  names: readonly string[],
): Promise<OthersToRemove> {
  await refuseToClear(fileSystem, destination)
  const mounts = await mountPoints(fileSystem)
  const { root, real } = destination
  const { dev: device } = await atDestination(`looking at ${root}`, () => fileSystem.stat(root))
  const { entries, count, found, isComplete } = await walk(fileSystem, destination, names, {
    limit: mostRemoved,
    mayEnter: async (path, relative) => {
      const { dev } = await atDestination(`looking at ${path}`, () => fileSystem.lstat(path))
      if (dev === device && !mounts.has(join(real.path, relative))) return true
      throw refused(`${path} is a mount point, and is not removed. Unmount it, or restore elsewhere.`)
    },
    mayOmit: (error) => ['EACCES', 'EPERM', 'ENOTDIR'].includes(nodeErrorCode(error) ?? ''),
  })
  if (!isComplete)
    throw refused(
      `${root} has more than ${mostRemoved} other files, or some that cannot be read. Remove them yourself, or restore elsewhere.`,
    )
  return { entries, others: { count, names: found, isComplete, removed: true, removable: true } }
}

interface Walk {
  /** Maximum number of other files and folders. */
  readonly limit: number
  readonly mayEnter: (path: string, relative: string) => Promise<boolean>
  /** Whether an entry that fails with this error is left out, and the result incomplete. Other errors reject. */
  readonly mayOmit: (error: unknown) => boolean
}

interface Found {
  readonly entries: readonly string[]
  readonly count: number
  readonly found: readonly string[]
  readonly isComplete: boolean
}

/** Walks a destination without following links. Skips the hidden folders of restores. */
async function walk(
  fileSystem: LocalFileSystem,
  { root }: Destination,
  names: readonly string[],
  { limit, mayEnter, mayOmit }: Walk,
): Promise<Found> {
  const kept = new KeptNames(fileSystem, root, names)
  const entries: string[] = []
  const found: string[] = []
  let count = 0
  let isComplete = true
  let others = 0
  const read = async <T>(call: () => Promise<T>): Promise<T | undefined> => {
    const result = await ifReadable(call, mayOmit)
    if (result === undefined) isComplete = false
    return result
  }
  const folders = [{ relative: '', holdsKept: true }]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const { relative, holdsKept } = folder
    const path = join(root, relative)
    const children = await read(() => fileSystem.readdir(path, { withFileTypes: true }))
    for (const child of children ?? []) {
      const name = relative === '' ? child.name : `${relative}/${child.name}`
      const isFolder = child.isDirectory()
      if (isFolder && relative === '' && child.name.startsWith(hiddenPrefix)) continue
      if (isFolder && (await read(() => mayEnter(join(root, name), name))) !== true) continue
      const isKept = await read(() => kept.has(name, isFolder))
      if (isKept === undefined) continue
      if (!isKept) others += 1
      if (others > limit) return { entries, count, found: found.toSorted(), isComplete: false }
      if (holdsKept && !isKept) entries.push(name)
      if (isFolder) folders.push({ relative: name, holdsKept: isKept })
      else if (!isKept) {
        count += 1
        if (found.length < mostNames) found.push(name)
      }
    }
  }
  return { entries, count, found: found.toSorted(), isComplete }
}

async function ifReadable<T>(
  call: () => Promise<T>,
  mayOmit: (error: unknown) => boolean,
): Promise<T | undefined> {
  try {
    return await ifThere(call)
  } catch (error) {
    if (mayOmit(error)) return undefined
    throw error
  }
}

/** The files of a checkpoint and their folders, by the names that the file system returns. */
class KeptNames {
  readonly #fileSystem: LocalFileSystem
  readonly #root: string
  readonly #files: ReadonlySet<string>
  readonly #folders: ReadonlySet<string>
  /** By lower-case name, for file systems that ignore case. */
  readonly #folded: ReadonlyMap<string, string>

  constructor(fileSystem: LocalFileSystem, root: string, names: readonly string[]) {
    const folders = new Set<string>()
    for (const name of names) {
      for (let slash = name.indexOf('/'); slash > 0; slash = name.indexOf('/', slash + 1))
        folders.add(name.slice(0, slash))
    }
    this.#fileSystem = fileSystem
    this.#root = root
    this.#files = new Set(names)
    this.#folders = folders
    this.#folded = new Map([...names, ...folders].map((name) => [fold(name), name]))
  }

  async has(name: string, isFolder: boolean): Promise<boolean> {
    if ((isFolder ? this.#folders : this.#files).has(name)) return true
    const twin = this.#folded.get(fold(name))
    if (twin === undefined) return false
    // On a file system that ignores case, both names refer to one file.
    const [here, there] = await Promise.all(
      [name, twin].map((each) =>
        ifThere(() => this.#fileSystem.lstat(join(this.#root, each), { bigint: true })),
      ),
    )
    return here !== undefined && here.ino === there?.ino
  }
}

function fold(name: string): string {
  return name.normalize('NFC').toLowerCase()
}
