import { basename, join } from 'node:path'
import * as v from 'valibot'
import { HoldfastError } from '../../errors.ts'
import { atDestination, ifThere } from '../destination-error.ts'
import type { LocalFileSystem } from '../file-system.ts'
import { syncFolders } from '../folders.ts'
import type { DestinationFileSystem } from '../on-platform.ts'

const journalName = 'journal'

/**
 * The names of the folder of an exchange, one after the other. The folder has the journal, and everything that the exchange takes
 * from the destination, each by one rename. To begin the undo, or to end the exchange, a process renames this folder first. A
 * process that slept meanwhile then finds no folder of the earlier name, and takes nothing more.
 */
export const exchangingFolder = 'exchanging'
export const undoingFolder = 'undoing'
const endedFolder = 'ended'

/**
 * The folder in it that takes the restored files of an undo from places where no file was before. It is renamed before links are
 * put back, so that a process that slept meanwhile takes no file through a link.
 */
export const droppingFolder = 'dropping'
export const droppedFolder = 'dropped'

/** A destination, and the hidden folder in it that holds the restored files until each is renamed into place. */
export interface Exchange {
  readonly fileSystem: DestinationFileSystem
  readonly root: string
  readonly hidden: string
}

const relativePath = v.pipe(v.string(), v.check(staysBelow, 'not a path below the destination'))

const journalSchema = v.object({
  /** A journal with links has format 2. Versions that know only format 1 refuse it, because they would write through the links. */
  format: v.picklist(['holdfast-restore/1', 'holdfast-restore/2']),
  /** The restored files. File number i is `new-i` in the hidden folder until it is renamed into place. */
  files: v.array(
    v.object({
      place: relativePath,
      /** The inode of the restored file. */
      inode: v.string(),
      /**
       * What was at the place before: nothing, a file that is also linked as `old-i`, or a file without a second link.
       */
      before: v.picklist(['nothing', 'kept', 'not kept']),
    }),
  ),
  /**
   * Links in place of folders of the files. Number i is moved to `link-i` in the folder of the exchange before any file is moved,
   * and a folder takes its place.
   */
  links: v.optional(v.array(relativePath), []),
  /** Paths to remove from the destination. Number i is moved to `gone-i` in the folder of the exchange. */
  others: v.array(relativePath),
})

/**
 * All changes that a restore will make at its destination. Paths are relative to the destination. The journal is
 * written when all files are in the hidden folder, before the first rename. From then on, the next restore can complete
 * or undo the changes.
 */
export type Journal = Readonly<v.InferOutput<typeof journalSchema>>

export const newFile = (index: number): string => `new-${index}`
/** The name of a restored file that an undo keeps from its place. Its inode stays in use, so that no other file gets it. */
export const withdrawnFile = (index: number): string => `withdrawn-${index}`
export const oldFile = (index: number): string => `old-${index}`
export const linkFile = (index: number): string => `link-${index}`
export const goneFile = (index: number): string => `gone-${index}`

function staysBelow(path: string): boolean {
  return path.split('/').every((part) => !['', '.', '..'].includes(part) && basename(part) === part)
}

/**
 * Makes the journal durable after all other entries of the hidden folder, because a reader of the journal treats a
 * missing file as already renamed into place.
 */
export async function writeJournal(
  fileSystem: DestinationFileSystem,
  hidden: string,
  journal: Journal,
): Promise<void> {
  const folder = join(hidden, exchangingFolder)
  await fileSystem.mkdir(folder)
  await fileSystem.mkdir(join(folder, droppingFolder))
  const draft = join(folder, `${journalName}.draft`)
  const handle = await fileSystem.open(draft, 'wx')
  try {
    await handle.writeFile(JSON.stringify(journal))
    await handle.sync()
  } finally {
    await handle.close()
  }
  await syncFolders(fileSystem, [hidden])
  await fileSystem.rename(draft, join(folder, journalName))
  await syncFolders(fileSystem, [folder])
}

/** Reads the journal of a hidden folder. Returns `undefined` if its restore has not changed anything yet. */
export async function readJournal(fileSystem: LocalFileSystem, hidden: string): Promise<Journal | undefined> {
  // In this order, because the beginning of an undo renames the first to the second.
  for (const folder of [exchangingFolder, undoingFolder]) {
    const path = join(hidden, folder, journalName)
    const text = await ifThere(() => fileSystem.readFile(path, 'utf8'))
    if (text !== undefined) return parseJournal(text, path, hidden)
  }
  return undefined
}

function parseJournal(text: string, path: string, hidden: string): Journal {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), journalSchema), text)
  if (parsed.success) return parsed.output
  throw new HoldfastError(
    'UNAVAILABLE',
    `${path} is damaged, so the interrupted restore cannot be completed. ` +
      `Remove ${hidden}, and restore again.`,
    { retryable: false },
  )
}

/** Whether a restore has renamed some of its files into place, and possibly not all. */
export async function isExchanging(
  fileSystem: Pick<LocalFileSystem, 'lstat'>,
  hidden: string,
): Promise<boolean> {
  const journal = join(hidden, exchangingFolder, journalName)
  return (await exists(fileSystem, journal)) || (await isUndoing(fileSystem, hidden))
}

/** Whether the changes of a journal are being undone. They can no longer be completed. */
export async function isUndoing(
  fileSystem: Pick<LocalFileSystem, 'lstat'>,
  hidden: string,
): Promise<boolean> {
  return exists(fileSystem, join(hidden, undoingFolder, journalName))
}

async function exists(fileSystem: Pick<LocalFileSystem, 'lstat'>, path: string): Promise<boolean> {
  const stats = await atDestination(`looking at ${path}`, () => ifThere(() => fileSystem.lstat(path)))
  return stats !== undefined
}

/**
 * Makes durable that the changes of the journal are undone from here on. Returns false if another process has completed or
 * undone them.
 */
export async function beginUndo(fileSystem: DestinationFileSystem, hidden: string): Promise<boolean> {
  await renameFolder(fileSystem, hidden, exchangingFolder, undoingFolder)
  if (!(await isUndoing(fileSystem, hidden))) return false
  await syncFolders(fileSystem, [hidden])
  return true
}

/**
 * Ends an exchange whose changes are all made. From here on, they cannot be undone, and nothing in the hidden folder is required.
 * Returns false if an undo has begun before, or if another process has ended the exchange.
 */
export async function endCompletion(fileSystem: DestinationFileSystem, hidden: string): Promise<boolean> {
  return renameFolder(fileSystem, hidden, exchangingFolder, endedFolder)
}

/** Ends an exchange whose changes are all undone. Another process may have ended it before. */
export async function endUndo(fileSystem: DestinationFileSystem, hidden: string): Promise<void> {
  await renameFolder(fileSystem, hidden, undoingFolder, endedFolder)
}

/** Makes the end of an exchange durable. Another process may have removed the hidden folder. */
export async function syncEnd(fileSystem: DestinationFileSystem, hidden: string): Promise<void> {
  await atDestination(`syncing ${hidden}`, () => ifThere(() => fileSystem.syncFolder(hidden)))
}

/** Renames the folder of an exchange. Returns false if another process has renamed it before. */
async function renameFolder(
  fileSystem: DestinationFileSystem,
  hidden: string,
  from: string,
  to: string,
): Promise<boolean> {
  const path = join(hidden, from)
  const isRenamed = await atDestination(`renaming ${path}`, () =>
    ifThere(async () => {
      await fileSystem.rename(path, join(hidden, to))
      return true
    }),
  )
  return isRenamed === true
}
