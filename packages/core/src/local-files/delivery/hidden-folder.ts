import { randomBytes } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { atDestination, ifThere } from '../destination-error.ts'
import type { LocalFileSystem } from '../file-system.ts'
import { removeTree } from '../folders.ts'
import { livenessOf, type ProcessIdentity, thisProcess } from '../process-identity.ts'

/** Prefix of the names of hidden folders, in which restores collect their files. */
export const hiddenPrefix = '.holdfast-restore-'

const namePattern = /^\.holdfast-restore-([0-9a-f]{16})-(\d{1,10})-(\d{1,15})-[0-9a-f]{12}$/

/** A file in the hidden folder. Its modification time shows when its restore last ran. */
const aliveName = 'alive'

/** Time between two refreshes, in milliseconds. */
export const refreshEvery = 60_000
const abandonedAfter = 24 * 60 * 60 * 1000

/**
 * The names of the folders that restores of this process have left. Any other folder of this process may belong to a restore
 * that runs, also in another thread, which has a set of its own.
 */
const left = new Set<string>()

/** A folder at the destination that belongs to one running restore. It shows other restores that it is in use. */
export class HiddenFolder implements AsyncDisposable {
  readonly name: string
  readonly path: string
  /**
   * Time of creation by the clock of the file system. Only this clock is comparable with the times of other folders.
   */
  readonly madeAt: number
  readonly #alive: FileHandle
  readonly #timer: NodeJS.Timeout
  #refreshed: Promise<unknown> = Promise.resolve()

  private constructor(name: string, path: string, madeAt: number, alive: FileHandle) {
    this.name = name
    this.path = path
    this.madeAt = madeAt
    this.#alive = alive
    this.#timer = setInterval(() => {
      this.#refresh()
    }, refreshEvery)
    this.#timer.unref()
  }

  static async make(fileSystem: LocalFileSystem, root: string): Promise<HiddenFolder> {
    const { machine, pid, startedAt } = await thisProcess()
    const name = `${hiddenPrefix}${machine}-${pid}-${startedAt}-${randomBytes(6).toString('hex')}`
    const path = join(root, name)
    return atDestination(`making ${path}`, async () => {
      await fileSystem.mkdir(path)
      try {
        const { alive, madeAt } = await createAlive(fileSystem, join(path, aliveName))
        return new HiddenFolder(name, path, madeAt, alive)
      } catch (error) {
        await removeTree(fileSystem, path)
        throw error
      }
    })
  }

  /**
   * Stops the refreshes. Rejects if a refresh failed, because other restores may have treated the folder as abandoned.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    try {
      await atDestination(`refreshing ${this.path}`, async () => this.#refreshed)
    } finally {
      await this.#alive.close()
    }
  }

  /** Lets the next restore of this process complete or remove the folder, as if this process had ended. */
  leave(): void {
    left.add(this.name)
  }

  /** A write sets the time by the clock of the file system. `utimes` would use the clock of this machine. */
  #refresh(): void {
    this.#refreshed = this.#refreshed.then(() => this.#alive.write('.', 0))
    this.#refreshed.catch(() => undefined) // thrown when the folder is disposed of
  }
}

async function createAlive(
  fileSystem: LocalFileSystem,
  path: string,
): Promise<{ readonly alive: FileHandle; readonly madeAt: number }> {
  const alive = await fileSystem.open(path, 'wx')
  try {
    await alive.write('.', 0)
    return { alive, madeAt: (await alive.stat()).mtimeMs }
  } catch (error) {
    await alive.close()
    throw error
  }
}

/** A hidden folder of any process. */
export interface FoundFolder {
  readonly name: string
  readonly path: string
}

export async function hiddenFoldersIn(
  fileSystem: LocalFileSystem,
  root: string,
): Promise<readonly FoundFolder[]> {
  const children = await atDestination(`reading ${root}`, () =>
    fileSystem.readdir(root, { withFileTypes: true }),
  )
  return children
    .filter((child) => child.isDirectory() && child.name.startsWith(hiddenPrefix))
    .map(({ name }) => ({ name, path: join(root, name) }))
}

/**
 * Returns whether the restore of a hidden folder runs, has ended, or is unknown to this machine. An unknown restore
 * counts as `ended` if its folder was not refreshed in the day before `now`, a time of the same file system.
 */
export async function restoreBehind(
  fileSystem: LocalFileSystem,
  { name, path }: FoundFolder,
  now: number | undefined,
): Promise<'running' | 'ended' | 'unknown'> {
  if (left.has(name)) return 'ended'
  const owner = ownerOf(name)
  const liveness = owner === undefined ? 'unknown' : await livenessOf(owner)
  if (liveness !== 'unknown' || now === undefined) return liveness
  const seen =
    (await ifThere(() => fileSystem.lstat(join(path, aliveName)))) ??
    (await ifThere(() => fileSystem.lstat(path)))
  return seen !== undefined && now - seen.mtimeMs < abandonedAfter ? 'unknown' : 'ended'
}

function ownerOf(name: string): ProcessIdentity | undefined {
  const [, machine, pid, startedAt] = namePattern.exec(name) ?? []
  return machine === undefined ? undefined : { machine, pid: Number(pid), startedAt: Number(startedAt) }
}
