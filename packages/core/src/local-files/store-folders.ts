import { pauseFor } from '../async/pause-for.ts'
import { isHoldfastError } from '../errors.ts'
import { nodeErrorCode } from '../node-errors.ts'
import type { LocalFileSystem } from './file-system.ts'
import { KnownFolder } from './real-place.ts'

/** A folder of this machine that has the files of a store or of its mirror. */
export interface StoreFolder {
  readonly kind: 'store' | 'mirror'
  readonly path: string
}

/** Such a folder, and its name in messages. */
export interface KnownStoreFolder {
  readonly name: string
  /** Recognised by its path only until it has answered. */
  readonly folder: KnownFolder
  /** A mirror that is slow may answer later. */
  readonly hasAnswered: boolean
}

const names: Readonly<Record<StoreFolder['kind'], string>> = {
  store: 'the store itself',
  mirror: 'the mirror of the store',
}

/** Milliseconds that a mirror has to answer. An automatic mount can take seconds. */
const answerLimit = 5_000

/** A look at a folder. The answer replaces `folder`, also for callers that did not wait for it. */
interface Look {
  folder: KnownFolder
  hasAnswered: boolean
  isLate: boolean
  readonly answered: Promise<void>
}

const pendingLooks = new Map<string, Look>()

/**
 * Finds the folders by all links that lead to them. A mirror that cannot be reached is recognised by its path only, and so is one
 * that does not answer within `limit` milliseconds, until it answers.
 */
export async function knownStoreFolders(
  fileSystem: LocalFileSystem,
  folders: readonly StoreFolder[],
  limit = answerLimit,
): Promise<readonly KnownStoreFolder[]> {
  return Promise.all(
    folders.map(async ({ kind, path }) =>
      kind === 'store'
        ? { name: names.store, folder: await KnownFolder.at(fileSystem, path), hasAnswered: true }
        : mirrorAt(fileSystem, path, limit),
    ),
  )
}

async function mirrorAt(fileSystem: LocalFileSystem, path: string, limit: number): Promise<KnownStoreFolder> {
  const look = await lookWithin(limit, fileSystem, path)
  return {
    name: names.mirror,
    get folder() {
      return look.folder
    },
    get hasAnswered() {
      return look.hasAnswered
    },
  }
}

/**
 * Finds a folder by all links that lead to it. A folder that cannot be reached, or does not answer within `limit` milliseconds, is
 * recognised by its path only.
 */
export async function folderIfReachable(
  fileSystem: LocalFileSystem,
  path: string,
  limit = answerLimit,
): Promise<KnownFolder> {
  const { folder } = await lookWithin(limit, fileSystem, path)
  return folder
}

/** Waits at most `limit` milliseconds for the answer of a look. */
async function lookWithin(limit: number, fileSystem: LocalFileSystem, path: string): Promise<Look> {
  const look = lookAt(fileSystem, path)
  if (look.isLate) return look
  const isOver = new AbortController()
  const late = pauseFor(limit, isOver.signal).then(() => {
    look.isLate = true
  })
  try {
    await Promise.race([look.answered, late])
    return look
  } finally {
    isOver.abort()
  }
}

/**
 * A call to a network file system that hangs occupies a thread of Node.js, of which there are few. So no second call is made
 * until the first one is answered.
 */
function lookAt(fileSystem: LocalFileSystem, path: string): Look {
  const pending = pendingLooks.get(path)
  if (pending !== undefined) return pending
  const look: Look = {
    folder: KnownFolder.byPath(path),
    hasAnswered: false,
    isLate: false,
    answered: reachableFolder(fileSystem, path)
      .then((folder) => {
        look.folder = folder
        look.hasAnswered = true
      })
      .finally(() => pendingLooks.delete(path)),
  }
  pendingLooks.set(path, look)
  return look
}

/** The store works without its mirror. Nothing can be written to a mirror that cannot be reached. */
async function reachableFolder(fileSystem: LocalFileSystem, path: string): Promise<KnownFolder> {
  try {
    return await KnownFolder.at(fileSystem, path)
  } catch (error) {
    if (!isHoldfastError(error) && nodeErrorCode(error) === undefined) throw error
    return KnownFolder.byPath(path)
  }
}
