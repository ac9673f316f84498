import { dirname, join } from 'node:path'
import { concurrently } from '../../async/concurrently.ts'
import { HoldfastError } from '../../errors.ts'
import { nodeErrorCode } from '../../node-errors.ts'
import { atDestination, ifReachable, ifThere } from '../destination-error.ts'
import type { LocalFileSystem } from '../file-system.ts'
import { syncFolders } from '../folders.ts'
import {
  beginUndo,
  droppedFolder,
  droppingFolder,
  endCompletion,
  endUndo,
  type Exchange,
  exchangingFolder,
  goneFile,
  isExchanging,
  isUndoing,
  type Journal,
  newFile,
  oldFile,
  undoingFolder,
  withdrawnFile,
} from './journal.ts'
import { isGone, moveOnce, renameOnce } from './moves.ts'
import { putLinksBack, replaceLinks } from './replaced-links.ts'

const renamesAtOnce = 16

/**
 * Error codes of a refused hard link: the file system has no hard links, or the file belongs to another user
 * (`fs.protected_hardlinks`).
 */
export const noLink: ReadonlySet<string> = new Set([
  'EPERM',
  'EACCES',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EMLINK',
])

/** Links each file that will be replaced into the hidden folder, so that the exchange can be undone. */
export async function keepOld(
  { fileSystem, root, hidden }: Exchange,
  place: string,
  index: number,
): Promise<Journal['files'][number]['before']> {
  const path = join(root, place)
  const kept = join(hidden, oldFile(index))
  return atDestination(`looking at ${path}`, async () => {
    const stats = await ifThere(() => fileSystem.lstat(path))
    if (stats === undefined) return 'nothing'
    try {
      // On some systems `link` would follow a symbolic link.
      if (stats.isSymbolicLink()) await fileSystem.symlink(await fileSystem.readlink(path), kept)
      else await fileSystem.link(path, kept)
      return 'kept'
    } catch (error) {
      if (noLink.has(nodeErrorCode(error) ?? '')) return 'not kept'
      throw error
    }
  })
}

/**
 * Makes every change of a journal that has not been made yet, and makes all of them durable. May be repeated, and may
 * run in several processes at once: each change is one rename, which succeeds once. Makes no change after an undo has begun in
 * another process, and then may reject with `UNAVAILABLE`. `conclude` ends the exchange.
 */
export async function complete(exchange: Exchange, journal: Journal): Promise<void> {
  const { fileSystem, root, hidden } = exchange
  await unlessEnded(exchange, async () => {
    try {
      await makeChanges(exchange, journal)
    } catch (error) {
      throw (await isUndoing(fileSystem, hidden)) ? undoHasBegun(root) : error
    }
  })
}

/**
 * Ends an exchange after `complete`. Rejects with `UNAVAILABLE` if another process undoes the changes, or has undone them. Only
 * one of the two can happen: both rename the folder of the exchange.
 */
export async function conclude(exchange: Exchange, journal: Journal): Promise<void> {
  const { fileSystem, root, hidden } = exchange
  if (await endCompletion(fileSystem, hidden)) return
  if (await isUndoing(fileSystem, hidden)) throw undoHasBegun(root)
  await assertInPlace(exchange, journal)
}

/** The first process to end an exchange removes the hidden folder, so a failure counts only until then. */
async function unlessEnded({ fileSystem, hidden }: Exchange, change: () => Promise<void>): Promise<void> {
  try {
    await change()
  } catch (error) {
    if (await isExchanging(fileSystem, hidden)) throw error
  }
}

async function makeChanges(exchange: Exchange, journal: Journal): Promise<void> {
  const { files, others } = journal
  const { fileSystem, root, hidden } = exchange
  await replaceLinks(exchange, journal)
  await concurrently([...files.entries()], renamesAtOnce, undefined, async ([index, { place }]) => {
    await moveOnce(fileSystem, join(hidden, newFile(index)), join(root, place))
  })
  await concurrently([...others.entries()], renamesAtOnce, undefined, async ([index, path]) => {
    const gone = join(hidden, exchangingFolder, goneFile(index))
    // This creates no folder if that of the exchange is gone, because nothing would bring the file back from it.
    await atDestination(`removing ${join(root, path)}`, async () => {
      if (await isGone(fileSystem, gone)) await renameOnce(fileSystem, join(root, path), gone)
    })
  })
  await syncAll(exchange, journal, others.length > 0 ? [exchangingFolder] : [])
}

/**
 * Undoes all changes, and ends the exchange. Rejects with the first failure. From the first change on, they can only be undone. If
 * a replaced file was not kept, rejects before the first change, and they can only be completed. Does nothing if another process
 * has completed or undone the journal. May run in several processes at once, also beside `complete`.
 */
export async function undo(exchange: Exchange, journal: Journal): Promise<void> {
  await assertKept(exchange, journal)
  await unlessEnded(exchange, async () => {
    if (!(await beginUndo(exchange.fileSystem, exchange.hidden))) return
    await undoChanges(exchange, journal)
    await endUndo(exchange.fileSystem, exchange.hidden)
  })
}

async function undoChanges(exchange: Exchange, journal: Journal): Promise<void> {
  const { files, others } = journal
  const { fileSystem, root, hidden } = exchange
  await concurrently([...others.entries()], renamesAtOnce, undefined, async ([index, path]) => {
    await moveOnce(fileSystem, join(hidden, undoingFolder, goneFile(index)), join(root, path))
  })
  await concurrently([...files.entries()], renamesAtOnce, undefined, async ([index, file]) => {
    const place = join(root, file.place)
    // From here on, no other process can move the restored file to its place.
    await moveOnce(fileSystem, join(hidden, newFile(index)), join(hidden, withdrawnFile(index)))
    if (!(await hasInode(fileSystem, place, file.inode))) return
    if (file.before !== 'nothing') await moveOnce(fileSystem, join(hidden, oldFile(index)), place)
    else await drop(exchange, place, index)
  })
  const undoing = join(hidden, undoingFolder)
  await moveOnce(fileSystem, join(undoing, droppingFolder), join(undoing, droppedFolder))
  await putLinksBack(exchange, journal)
  await syncAll(exchange, journal, [join(undoingFolder, droppedFolder), undoingFolder])
}

/** Takes a restored file away. A deletion could come late, and delete what a later restore has put there. */
async function drop({ fileSystem, hidden }: Exchange, place: string, index: number): Promise<void> {
  const dropping = join(hidden, undoingFolder, droppingFolder)
  await atDestination(`removing ${place}`, async () => {
    try {
      await renameOnce(fileSystem, place, join(dropping, String(index)))
    } catch (error) {
      if (!(await isGone(fileSystem, dropping))) throw error // otherwise another process has taken all files away
    }
  })
}

async function assertKept({ fileSystem, root }: Exchange, { files }: Journal): Promise<void> {
  const unkept = files.filter(({ before }) => before === 'not kept')
  await concurrently(unkept, renamesAtOnce, undefined, async (file) => {
    const place = join(root, file.place)
    if (await hasInode(fileSystem, place, file.inode)) throw notKept(place)
  })
}

/**
 * Rejects with `UNAVAILABLE` unless each file is at its place. Otherwise a restore could succeed although another
 * program removed its hidden files.
 */
export async function assertInPlace({ fileSystem, root }: Exchange, { files }: Journal): Promise<void> {
  await concurrently(files, renamesAtOnce, undefined, async ({ place, inode }) => {
    const path = join(root, place)
    if (await hasInode(fileSystem, path, inode)) return
    throw new HoldfastError(
      'UNAVAILABLE',
      `${path} is not the restored file: another program removed or replaced it. Restore again.`,
      { retryable: false },
    )
  })
}

async function hasInode(fileSystem: LocalFileSystem, path: string, inode: string): Promise<boolean> {
  const stats = await atDestination(`looking at ${path}`, () =>
    ifReachable(() => fileSystem.lstat(path, { bigint: true })),
  )
  return String(stats?.ino) === inode
}

async function syncAll(
  { fileSystem, root, hidden }: Exchange,
  { files, links, others }: Journal,
  inHidden: readonly string[],
): Promise<void> {
  const changed = [...files.map(({ place }) => place), ...links, ...others].map((path) =>
    dirname(join(root, path)),
  )
  const existing = new Set<string>()
  for (const folder of new Set(changed)) {
    if ((await ifReachable(() => fileSystem.lstat(folder))) !== undefined) existing.add(folder)
  }
  await syncFolders(fileSystem, [...existing, ...inHidden.map((name) => join(hidden, name)), hidden])
}

function undoHasBegun(root: string): HoldfastError {
  return new HoldfastError('UNAVAILABLE', `Another restore into ${root} undoes this one. Restore again.`, {
    retryable: false,
  })
}

function notKept(place: string): HoldfastError {
  return new HoldfastError(
    'UNAVAILABLE',
    `The previous file at ${place} could not be kept, so the restore cannot be undone. Restore again to complete it.`,
    { retryable: false },
  )
}
