import * as promises from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { concurrently } from '../../async/concurrently.ts'
import { filesAtOnce } from '../../async/files-at-once.ts'
import { type Look, withSecondLook } from '../../async/second-look.ts'
import { HoldfastError, throwIfAborted } from '../../errors.ts'
import { atDestination, destinationError, ifThere, refused } from '../destination-error.ts'
import { checkPlaces, type Destination, destinationAt, refuseToClear } from './destination.ts'
import { DurableWriter } from '../durable-writer.ts'
import {
  type EarlierRestores,
  hasIdentity,
  identityOf,
  takeOverFiles,
  writeIdentity,
} from './earlier-restore.ts'
import { assertInPlace, complete, conclude, keepOld, undo } from './exchange.ts'
import type { LocalFileSystem } from '../file-system.ts'
import { makeFolders, removeEmptyFolders, removeTree, syncFolders } from '../folders.ts'
import { HiddenFolder } from './hidden-folder.ts'
import { type Exchange, type Journal, newFile, readJournal, syncEnd, writeJournal } from './journal.ts'
import { clearLeftovers } from './leftovers.ts'
import { type DestinationFileSystem, fileSystemOn } from '../on-platform.ts'
import { type OtherFiles, type OthersToRemove, othersToRemove, reportOthers } from './other-files.ts'
import { foldersBehind } from './replaced-links.ts'
import type { StoreFolder } from '../store-folders.ts'
import { isReservedOnWindows } from '../windows-names.ts'

/**
 * A file to restore: its name below the destination, its size, and a function that opens its verified bytes. A chunk
 * must stay unchanged until the next chunk has been used.
 */
export interface Delivery {
  readonly name: string
  /** Size in bytes. */
  readonly size: number
  /** The SHA-256 of the bytes. If it is known, a file that an interrupted restore has written is not written again. */
  readonly sha256?: string | undefined
  /** Permission bits of the file, before the umask applies. Default: those of a new file. */
  readonly mode?: number | undefined
  /** Opens the bytes. Called again if the first read was corrupt. */
  readonly open: (signal: AbortSignal, look: Look) => Promise<AsyncIterable<Uint8Array>>
}

export interface DeliveryOptions {
  readonly signal: AbortSignal | undefined
  /** Called with the number of bytes written so far, of all files. */
  readonly onProgress: ((bytes: number) => void) | undefined
  /**
   * Called before the first file is opened, with the indexes of the deliveries that will be opened. The others were taken over
   * from an interrupted restore.
   */
  readonly onMissing?: ((indexes: ReadonlySet<number>) => void) | undefined
  /** The folders of the store and of its mirror on this machine. Files are never restored into them. */
  readonly storeFolders: readonly StoreFolder[]
  /**
   * Called once every file is written and verified, and the destination checked, before anything there changes. If it rejects,
   * nothing is delivered.
   */
  readonly beforeExchange?: (() => Promise<void>) | undefined
  /** Whether other files at the destination are counted, removed or ignored. */
  readonly others: 'report' | 'remove' | 'ignore'
}

export interface Delivered {
  /** The path of each file, in the order of `deliveries`. */
  readonly paths: readonly string[]
  /** `undefined` if other files were ignored. */
  readonly others: OtherFiles | undefined
}

/**
 * Restores files into a destination. Never rejects with `NOT_FOUND`, `ALREADY_EXISTS` or `CORRUPT`, unless the bytes of
 * a file are corrupt. Tests can pass another file system.
 */
export type Deliver = (
  destination: string,
  deliveries: readonly Delivery[],
  options: DeliveryOptions,
  fileSystem?: LocalFileSystem,
) => Promise<Delivered>

/** Maximum number of small files to write at once. */
const smallFilesAtOnce = 16

/**
 * Delivers files into a folder, which is created if it does not exist:
 *
 * 1. The destination is checked before anything is created.
 * 2. Restores that were interrupted there are completed or removed. Files that a restore of the same files has written, and
 *    that verify, are taken over.
 * 3. All other files are written, verified and made durable in a hidden folder.
 * 4. A journal of all renames is made durable there. Until then nothing at the destination changes.
 * 5. Folders take the places of links. Each file takes its place by one rename. An error undoes them. After a crash the next restore completes them.
 */
export async function deliverToDirectory(
  destination: string,
  deliveries: readonly Delivery[],
  options: DeliveryOptions,
  given: LocalFileSystem = promises,
  platform: NodeJS.Platform = process.platform,
): Promise<Delivered> {
  if (destination === '')
    throw refused(
      'The path of the destination is empty. Pass the path of a folder, or "." for the current one.',
    )
  const fileSystem = fileSystemOn(platform, given)
  const root = resolve(destination)
  const names = deliveries.map(({ name }) => name)
  if (platform === 'win32') refuseReserved(names)
  const planned = await destinationAt(fileSystem, root, options.storeFolders)
  if (options.others === 'remove') await refuseToClear(fileSystem, planned)
  await checkPlaces(fileSystem, planned, names)
  const made: string[] = []
  try {
    await atDestination(`making ${root}`, () => makeFolders(fileSystem, root, made))
    const target = await destinationAt(fileSystem, root, options.storeFolders)
    const identity = identityOf(deliveries)
    const hasCompleted = await clearLeftovers(fileSystem, target, undefined, ({ path }) =>
      hasIdentity(fileSystem, path, identity),
    )
    const earlier: EarlierRestores = { identity, filesAt: hasCompleted ? 'destination' : 'hidden folders' }
    const others = await deliverInto(fileSystem, target, deliveries, earlier, options, made)
    return { paths: names.map((name) => join(root, ...name.split('/'))), others }
  } catch (error) {
    const failure = destinationError(error, `restoring into ${root}`)
    await cleanUpAfter(failure, `The folders that it created could not be removed.`, () =>
      removeEmptyFolders(fileSystem, made),
    )
    throw failure
  }
}

/** A colon in a name would even write into a hidden stream of another file. */
function refuseReserved(names: readonly string[]): void {
  const name = names.find((each) => each.split('/').some(isReservedOnWindows))
  if (name === undefined) return
  throw refused(
    `No file on Windows can have the name ${JSON.stringify(name)}. Restore the other files by their names, or restore on another system.`,
  )
}

/** What the exchange replaces and removes beside the files of the same names. */
interface Replaced {
  /** Links in place of folders. */
  readonly links: readonly string[]
  /** `undefined` if other files stay. */
  readonly removal: OthersToRemove | undefined
}

async function deliverInto(
  fileSystem: DestinationFileSystem,
  target: Destination,
  deliveries: readonly Delivery[],
  earlier: EarlierRestores,
  options: DeliveryOptions,
  made: string[],
): Promise<OtherFiles | undefined> {
  const names = deliveries.map(({ name }) => name)
  const hidden = await HiddenFolder.make(fileSystem, target.root)
  const exchange = { fileSystem, root: target.root, hidden: hidden.path }
  try {
    let inodes
    try {
      const { identity } = earlier
      if (identity !== undefined)
        await atDestination(`writing ${hidden.path}`, () => writeIdentity(fileSystem, hidden.path, identity))
      const taken = await takeOverFiles(exchange, hidden, deliveries, earlier, options.signal)
      await clearLeftovers(fileSystem, target, hidden)
      inodes = await writeAll(exchange, deliveries, taken, options)
    } finally {
      await hidden[Symbol.asyncDispose]()
    }
    const checkDestination = async (): Promise<Replaced> => {
      throwIfAborted(options.signal, 'The restore')
      const links = await checkPlaces(fileSystem, target, names)
      const isExact = options.others === 'remove'
      const removal = isExact ? await othersToRemove(fileSystem, target, [...names, ...links]) : undefined
      return { links, removal }
    }
    // The writes may have taken hours, and so may `beforeExchange`.
    if (options.beforeExchange !== undefined) {
      await checkDestination()
      await options.beforeExchange()
    }
    const replaced = await checkDestination()
    const journal = await writeExchange(exchange, names, inodes, replaced, made)
    await completeOrUndo(exchange, journal)
    await atDestination(`removing ${hidden.path}`, () => removeTree(fileSystem, hidden.path))
    if (options.others === 'ignore') return undefined
    return replaced.removal?.others ?? (await reportOthers(fileSystem, target, names))
  } catch (error) {
    try {
      await cleanUpAfter(error, `${hidden.path} could not be removed.`, async () => {
        const isNeeded = (await readJournal(fileSystem, hidden.path)) !== undefined
        if (!isNeeded) await removeTree(fileSystem, hidden.path)
      })
    } finally {
      hidden.leave()
    }
    throw error
  }
}

/** Writes every file into the hidden folder that was not taken over, and returns the inodes of all. */
async function writeAll(
  { fileSystem, hidden }: Exchange,
  deliveries: readonly Delivery[],
  taken: ReadonlyMap<number, string>,
  options: DeliveryOptions,
): Promise<readonly string[]> {
  options.onMissing?.(new Set([...deliveries.keys()].filter((index) => !taken.has(index))))
  let delivered = 0
  return concurrently(
    [...deliveries.entries()],
    filesAtOnce(
      deliveries.map(({ size }) => size),
      smallFilesAtOnce,
    ),
    options.signal,
    async ([index, delivery], signal) => {
      const there = taken.get(index)
      if (there !== undefined) {
        delivered += delivery.size
        options.onProgress?.(delivered)
        return there
      }
      const path = join(hidden, newFile(index))
      let counted = 0
      return withSecondLook(async (look) => {
        if (look === 2) await atDestination(`removing ${path}`, () => ifThere(() => fileSystem.unlink(path)))
        const body = await delivery.open(signal, look)
        let written = 0
        return writeDurably(fileSystem, path, delivery.mode, body, (bytes) => {
          written += bytes
          delivered += Math.max(0, written - counted)
          counted = Math.max(counted, written)
          options.onProgress?.(delivered)
        })
      })
    },
  )
}

async function writeDurably(
  fileSystem: LocalFileSystem,
  path: string,
  mode: number | undefined,
  body: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): Promise<string> {
  const handle = await atDestination(`writing ${path}`, () => fileSystem.open(path, 'wx', mode))
  let delivered = 0
  const writer = new DurableWriter(handle, (written) => {
    onBytes(written - delivered)
    delivered = written
  })
  try {
    for await (const chunk of body) await writer.write(chunk)
    await writer.finish()
    return String((await handle.stat({ bigint: true })).ino)
  } catch (error) {
    throw destinationError(error, `writing ${path}`)
  } finally {
    await writer.settle()
    await handle.close()
  }
}

/** Creates the folders, keeps the files that will be replaced, and writes the journal. */
async function writeExchange(
  exchange: Exchange,
  names: readonly string[],
  inodes: readonly string[],
  { links, removal }: Replaced,
  made: string[],
): Promise<Journal> {
  const { fileSystem, root, hidden } = exchange
  const madeBefore = made.length
  const behindLinks = [...foldersBehind(links, names)].map((folder) => join(root, folder))
  const isNew = new Set(behindLinks)
  for (const folder of new Set(names.map((name) => dirname(join(root, name)))))
    if (!isNew.has(folder))
      await atDestination(`making ${folder}`, () => makeFolders(fileSystem, folder, made))
  for (const folder of made.slice(madeBefore)) isNew.add(folder)
  const before = await concurrently(
    [...names.entries()],
    smallFilesAtOnce,
    undefined,
    async ([index, name]) =>
      isNew.has(dirname(join(root, name))) ? 'nothing' : keepOld(exchange, name, index),
  )
  const journal: Journal = {
    format: links.length > 0 ? 'holdfast-restore/2' : 'holdfast-restore/1',
    files: names.map((place, index) => ({
      place,
      inode: inodes[index] ?? '',
      before: before[index] ?? 'not kept',
    })),
    links: [...links],
    others: [...(removal?.entries ?? [])],
  }
  await atDestination(`writing the journal of ${hidden}`, () => writeJournal(fileSystem, hidden, journal))
  await syncFolders(fileSystem, [...made.map((folder) => dirname(folder)), root])
  return journal
}

async function completeOrUndo(exchange: Exchange, journal: Journal): Promise<void> {
  const { fileSystem, root, hidden } = exchange
  try {
    await complete(exchange, journal)
    await assertInPlace(exchange, journal)
    await conclude(exchange, journal)
  } catch (error) {
    await cleanUpAfter(
      error,
      `Some files in ${root} have been replaced already. The next restore into it completes or undoes this one.`,
      async () => {
        await undo(exchange, journal)
        await syncEnd(fileSystem, hidden)
      },
    )
    throw error
  }
  await syncEnd(fileSystem, hidden)
}

/**
 * Cleans up after a failure. If the clean-up also fails, rejects with the first error, and its message names the
 * leftovers.
 */
async function cleanUpAfter(
  failure: unknown,
  whatIsLeft: string,
  cleanUp: () => Promise<void>,
): Promise<void> {
  try {
    await cleanUp()
  } catch (error) {
    const cause = new AggregateError([failure, error])
    if (!(failure instanceof HoldfastError)) throw cause
    const { code, key, url, reason, retryable, hint } = failure
    throw new HoldfastError(code, `${reason} ${whatIsLeft}`, { key, url, cause, retryable, hint })
  }
}
