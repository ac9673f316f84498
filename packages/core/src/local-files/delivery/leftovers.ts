import { join } from 'node:path'
import { HoldfastError, isHoldfastError, messageOf } from '../../errors.ts'
import { atDestination, refused } from '../destination-error.ts'
import { checkFolders, checkPlaces, type Destination } from './destination.ts'
import { complete, conclude, undo } from './exchange.ts'
import type { LocalFileSystem } from '../file-system.ts'
import { removeTree } from '../folders.ts'
import { type FoundFolder, type HiddenFolder, hiddenFoldersIn, restoreBehind } from './hidden-folder.ts'
import { type Exchange, isUndoing, type Journal, readJournal, syncEnd } from './journal.ts'
import type { DestinationFileSystem } from '../on-platform.ts'

/**
 * Completes interrupted restores that have a journal, and removes the hidden folders of other restores that have ended. Returns
 * whether it completed one for which `isSameRestore` returns true.
 * `own` is the hidden folder of this restore. Without it, age does not count as a sign that a restore has ended. A
 * journal is completed even if its restore may still run: that restore then finds its files in place. Folders without a
 * journal for which `isSameRestore` returns true stay.
 */
export async function clearLeftovers(
  fileSystem: DestinationFileSystem,
  destination: Destination,
  own: HiddenFolder | undefined,
  isSameRestore: (folder: FoundFolder) => Promise<boolean> = async () => false,
): Promise<boolean> {
  let hasCompletedSame = false
  for (const folder of await hiddenFoldersIn(fileSystem, destination.root)) {
    if (folder.name === own?.name) continue
    const state = await restoreBehind(fileSystem, folder, own?.madeAt)
    if (state === 'running') continue
    const journal = await atDestination(`reading ${folder.path}`, () => readJournal(fileSystem, folder.path))
    if (journal !== undefined) {
      const isCompleted = await settle(fileSystem, destination, folder, journal)
      hasCompletedSame ||= isCompleted && (await isSameRestore(folder))
    } else if (state === 'unknown' || (await isSameRestore(folder))) continue
    await removeIfAllowed(fileSystem, folder)
  }
  return hasCompletedSame
}

/** Only its owner may be able to remove the folder of another user. It does not disturb this restore. */
async function removeIfAllowed(fileSystem: LocalFileSystem, { path }: FoundFolder): Promise<void> {
  try {
    await atDestination(`removing ${path}`, () => removeTree(fileSystem, path))
  } catch (error) {
    if (!isHoldfastError(error, 'PERMISSION_DENIED')) throw error
  }
}

/** Completes a journal, or undoes it if it cannot be completed or its undo has begun. Returns whether it is completed. */
async function settle(
  fileSystem: DestinationFileSystem,
  destination: Destination,
  { path: hidden }: FoundFolder,
  journal: Journal,
): Promise<boolean> {
  const exchange: Exchange = { fileSystem, root: destination.root, hidden }
  const isCompletable = !(await isUndoing(fileSystem, hidden))
  const errors: unknown[] = []
  try {
    if (isCompletable) await completeIfAllowed(exchange, destination, journal)
  } catch (error) {
    errors.push(error)
  }
  const isCompleted = isCompletable && errors.length === 0
  try {
    if (!isCompleted) await undo(exchange, journal)
  } catch (error) {
    errors.push(error)
    throw notSettled(destination, hidden, new AggregateError(errors, messageOf(errors[0])))
  }
  await syncEnd(fileSystem, hidden)
  return isCompleted
}

/** Completes a journal, and ends its exchange. Rejects before the first change if a place can no longer be written to. */
async function completeIfAllowed(
  exchange: Exchange,
  destination: Destination,
  journal: Journal,
): Promise<void> {
  const { fileSystem, root } = exchange
  const places = journal.files.map(({ place }) => place)
  const links = await checkPlaces(fileSystem, destination, places)
  const newLink = links.find((link) => !journal.links.includes(link))
  if (newLink !== undefined) throw refused(`${join(root, newLink)} has become a link. Remove it.`)
  await checkFolders(fileSystem, destination, journal.others)
  await complete(exchange, journal)
  await conclude(exchange, journal)
}

function notSettled({ root }: Destination, hidden: string, cause: Error): HoldfastError {
  return new HoldfastError(
    'UNAVAILABLE',
    `An earlier restore into ${root} was interrupted, and cannot be completed or undone: ${cause.message} ` +
      `Correct that, or remove ${hidden} to discard it. Then restore again.`,
    { cause, retryable: false },
  )
}
