import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { HoldfastError } from '@holdfast/core/backend'
import type { Disk } from './disk.ts'
import { failedWith, keyError } from './errors.ts'
import type { FileSystem } from './file-system.ts'
import { refuseFile, removeEmpty } from './folders.ts'
import { spaceError } from './free-space.ts'

const createNew = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL

/** Times that a folder which another process keeps removing is made again. */
const maxFolderRaces = 100

export interface TemporaryFile {
  readonly path: string
  readonly handle: FileHandle
}

/** How a file comes to be: created, written, published. */
export interface Making<Written, Published> {
  /** Creates a new file at a path, and opens it. */
  readonly create: (path: string) => Promise<FileHandle>
  /** Fills it, makes it durable, and closes it. */
  readonly write: (temporary: TemporaryFile) => Promise<Written>
  /** Gives it its own name. By then the names of its folders are durable, too. */
  readonly publish: (path: string, written: Written) => Promise<Published>
}

/** Permission bits of a file in the store, before the umask: those of its source, and its owner can always read it. */
export function modeInStore(ofSource = 0o666): number {
  return ofSource | 0o400
}

/** Creates a file with these permission bits, less those that the umask denies. */
export function createEmpty(
  fileSystem: FileSystem,
  mode = modeInStore(),
): (path: string) => Promise<FileHandle> {
  return (path) => fileSystem.open(path, createNew, mode)
}

/**
 * Makes the file of a key by way of a temporary one beside it. Afterwards, however it ends, the temporary name is gone,
 * and after a failure so are its folders if they are empty. Where even that fails, the error is still the first
 * one: whether the outcome is known depends on it alone.
 */
export async function throughTemporaryFile<Written, Published>(
  disk: Disk,
  key: string,
  { create, write, publish }: Making<Written, Published>,
): Promise<Published> {
  const { fileSystem, names, folders } = disk
  const within = names.foldersOf(key)
  const path = names.temporary(names.path(key))
  const made: string[] = []
  try {
    const handle = await createWithin(disk, within, made, () => create(path))
    const written = await both(write({ path, handle }), folders.ensure(within, made))
    return await publish(path, written)
  } catch (failure) {
    // Measured before the temporary file gives its inode back.
    const error = await spaceError(disk, failure, `Writing ${names.path(key)}`)
    try {
      await unlinkIfThere(fileSystem, path)
      // Not only those that it made itself: of several writes into a new folder the last one to fail leaves it empty.
      await removeEmpty(fileSystem, [...new Set([...within.toReversed(), ...made])])
    } catch (secondError) {
      throw cleanupFailed(keyError(error, `writing ${names.path(key)}`, key, names.url), path, secondError)
    }
    throw error
  }
}

/** The result of the first, once the second has succeeded too. Whichever fails, the other is waited for. */
async function both<Result>(first: Promise<Result>, second: Promise<void>): Promise<Result> {
  await Promise.allSettled([first, second])
  const [result] = await Promise.all([first, second])
  return result
}

function cleanupFailed(failure: HoldfastError, temporary: string, secondError: unknown): HoldfastError {
  return new HoldfastError(
    failure.code,
    `${failure.message} Then ${temporary} could not be cleared away either; a sweep will.`,
    {
      key: failure.key,
      url: failure.url,
      cause: new AggregateError([failure, secondError]),
      retryable: failure.retryable,
      hint: failure.hint,
    },
  )
}

export async function unlinkIfThere(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.unlink(path)
  } catch (error) {
    if (!failedWith(error, 'ENOENT', 'ENOTDIR')) throw error
  }
}

/** Creates a file, and the folders for it that are missing, or that another process removes meanwhile. */
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
