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
  readonly folder: KnownFolder
}

const names: Readonly<Record<StoreFolder['kind'], string>> = {
  store: 'the store itself',
  mirror: 'the mirror of the store',
}

/** Milliseconds that a mirror has to answer. An automatic mount can take seconds. */
const answerLimit = 5_000

/** A look at a mirror that is not answered yet. */
interface PendingLook {
  readonly answer: Promise<KnownFolder>
  isLate: boolean
}

const pendingLooks = new Map<string, PendingLook>()

/**
 * Finds the folders by all links that lead to them. A mirror that cannot be reached, or does not answer within `limit`
 * milliseconds, is recognised by its path only.
 */
export async function knownStoreFolders(
  fileSystem: LocalFileSystem,
  folders: readonly StoreFolder[],
  limit = answerLimit,
): Promise<readonly KnownStoreFolder[]> {
  return Promise.all(
    folders.map(async ({ kind, path }) => ({
      name: names[kind],
      folder: await (kind === 'store'
        ? KnownFolder.at(fileSystem, path)
        : folderIfReachable(fileSystem, path, limit)),
    })),
  )
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
  const look = lookAtMirror(fileSystem, path)
  if (look.isLate) return KnownFolder.byPath(path)
  const answered = new AbortController()
  const late = pauseFor(limit, answered.signal).then(() => {
    look.isLate = true
    return KnownFolder.byPath(path)
  })
  try {
    return await Promise.race([look.answer, late])
  } finally {
    answered.abort()
  }
}

/**
 * A call to a network file system that hangs occupies a thread of Node.js, of which there are few. So no second call is made
 * until the first one is answered.
 */
function lookAtMirror(fileSystem: LocalFileSystem, path: string): PendingLook {
  const pending = pendingLooks.get(path)
  if (pending !== undefined) return pending
  const answer = mirrorAt(fileSystem, path).finally(() => pendingLooks.delete(path))
  const look = { answer, isLate: false }
  pendingLooks.set(path, look)
  return look
}

/** The store works without its mirror. Nothing can be written to a mirror that cannot be reached. */
async function mirrorAt(fileSystem: LocalFileSystem, path: string): Promise<KnownFolder> {
  try {
    return await KnownFolder.at(fileSystem, path)
  } catch (error) {
    if (!isHoldfastError(error) && nodeErrorCode(error) === undefined) throw error
    return KnownFolder.byPath(path)
  }
}
