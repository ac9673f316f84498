import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { type BeforeVisible, HoldfastError } from '@holdfast/core/backend'
import type { Disk } from './disk.ts'
import { failedWith, keyError } from './errors.ts'
import type { FileSystem } from './file-system.ts'
import { refuseFile, removeEmpty } from './folders.ts'
import { spaceError } from './free-space.ts'
import { unlinkIfThere } from './if-there.ts'

const createNew = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL

/** How often a folder that another process keeps removing is created again. */
const maxFolderRaces = 100

/** The steps to create a file. */
export interface Making<Written, Published> {
  /** The path of the temporary file. Default: an unused name in the folder of the key. */
  readonly path?: string
  /** Returns whether the temporary file stays after a failure, for a later put. Default: it never stays. */
  readonly keepsAfter?: (error: unknown) => boolean
  /** Creates a new file at a path, and opens it. */
  readonly create: (path: string) => Promise<FileHandle>
  /** Writes the file, and makes it durable. The file is closed afterwards. */
  readonly write: (handle: FileHandle) => Promise<Written>
  /** See `BeforeVisible`. */
  readonly beforeVisible?: BeforeVisible | undefined
  /** Gives the file its final name. The entries of its folders are durable by then. */
  readonly publish: (path: string, written: Written) => Promise<Published>
}

/**
 * Returns the permission bits of a file before the umask: those of its source without the right to write, since an object never
 * changes and several checkpoints may share one. The owner can always read the file.
 */
export function modeInStore(ofSource = 0o666): number {
  return (ofSource & 0o555) | 0o400
}

/** Returns a function that creates a file with these permission bits, restricted by the umask. */
export function createEmpty(
  fileSystem: FileSystem,
  mode = modeInStore(),
): (path: string) => Promise<FileHandle> {
  return (path) => fileSystem.open(path, createNew, mode)
}

/**
 * Creates the file of a key through a temporary file in the same folder. Afterwards the temporary file is removed, and
 * after a failure also empty folders. If this clean-up fails, the error keeps the code of the first failure, since only
 * that failure decides whether the outcome is known.
 */
export async function throughTemporaryFile<Written, Published>(
  disk: Disk,
  key: string,
  { path: chosen, keepsAfter, create, write, beforeVisible, publish }: Making<Written, Published>,
): Promise<Published> {
  const { fileSystem, names, folders } = disk
  const within = names.foldersOf(key)
  const path = chosen ?? names.temporary(names.path(key))
  const made: string[] = []
  try {
    const handle = await createWithin(disk, within, made, () => create(path))
    const written = await both(writeAndClose(handle, write), folders.ensure(within, made))
    await beforeVisible?.()
    return await publish(path, written)
  } catch (failure) {
    // Measure before the temporary file releases its inode.
    const error = await spaceError(disk, failure, `Writing ${names.path(key)}`)
    if (keepsAfter?.(error) === true) throw error
    try {
      await unlinkIfThere(fileSystem, path)
      // Also folders of other writes: if several writes into a new folder fail, the last one leaves it empty.
      await removeEmpty(fileSystem, [...new Set([...within.toReversed(), ...made])])
    } catch (secondError) {
      throw cleanupFailed(keyError(error, `writing ${names.path(key)}`, key, names.url), path, secondError)
    }
    throw error
  }
}

async function writeAndClose<Written>(
  handle: FileHandle,
  write: (handle: FileHandle) => Promise<Written>,
): Promise<Written> {
  try {
    return await write(handle)
  } finally {
    await handle.close()
  }
}

/** Waits for both, and returns the result of the first if both succeed. */
async function both<Result>(first: Promise<Result>, second: Promise<void>): Promise<Result> {
  await Promise.allSettled([first, second])
  const [result] = await Promise.all([first, second])
  return result
}

function cleanupFailed(failure: HoldfastError, temporary: string, secondError: unknown): HoldfastError {
  return new HoldfastError(
    failure.code,
    `${failure.reason} ${temporary} could not be removed. The next sweep removes it.`,
    {
      key: failure.key,
      url: failure.url,
      cause: new AggregateError([failure, secondError]),
      retryable: failure.retryable,
      hint: failure.hint,
    },
  )
}

/** Creates a file and its missing folders, also if another process removes them during the call. */
async function createWithin(
  { fileSystem, folders, names: { root } }: Disk,
  within: readonly string[],
  made: string[],
  create: () => Promise<FileHandle>,
): Promise<FileHandle> {
  for (let races = 0; ; races += 1) {
    try {
      if (races > 0) await folders.makeRoot(root, made)
      await folders.make(within, made)
      return await create()
    } catch (error) {
      if (failedWith(error, 'ENOTDIR'))
        for (const folder of [root, ...within]) await refuseFile(fileSystem, folder)
      if (!failedWith(error, 'ENOENT') || races >= maxFolderRaces) throw error
      folders.forget(within)
    }
  }
}
