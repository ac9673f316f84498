import { lstat, mkdtemp, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { HoldfastError } from '@holdfast/core'
import { fromNodeError } from '@holdfast/core/backend'
import { type Disk, diskOn } from '../disk.ts'
import { type Candidate, isGone } from '../folder/find-candidates.ts'
import { type Snapshot, takeSnapshot } from '../folder/snapshot.ts'

/** Hidden folders, each with a checkpoint that was moved aside, so that a file that is created in its place is not deleted. */
const uncheckedPrefix = '.holdfast-consuming-'
/** The same folders, once the checkpoint is known to be the adopted one. */
const checkedPrefix = '.holdfast-deleting-'
/** The same folders, once the checkpoint is known to be older than the one in its place. Nothing changes them any more. */
const keptPrefix = '.holdfast-kept-'

/** A checkpoint that was moved aside and stays there, and why. */
export interface Leftover {
  readonly path: string
  readonly error: HoldfastError
}

/**
 * Deletes the files of a checkpoint if they still match the snapshot. If they were replaced, puts them back, or keeps them aside
 * if they were replaced once more. If the process is killed meanwhile, `recoverConsumed` finds what it left.
 */
export async function consume(
  candidate: Candidate,
  adopted: Snapshot,
  disk: Disk = diskOn(),
): Promise<{ readonly isDeleted: boolean; readonly kept?: Leftover | undefined }> {
  const { path } = candidate
  try {
    const folder = await mkdtemp(join(dirname(path), uncheckedPrefix))
    const aside = join(folder, basename(path))
    if (!(await moveAside(path, aside, disk))) return { isDeleted: false }
    const moved = await takeSnapshot({ ...candidate, path: aside })
    if (moved === undefined || lasting(moved) !== lasting(adopted)) {
      return { isDeleted: false, kept: await putBack({ path, aside, isFolder: candidate.isFolder }, disk) }
    }
    const checked = folder.replace(uncheckedPrefix, checkedPrefix)
    await disk.rename(folder, checked)
    await disk.rm(checked, { recursive: true })
    return { isDeleted: true }
  } catch (error) {
    throw fromNodeError(error, `deleting ${path}`)
  }
}

/** What `recoverConsumed` did. */
export interface Recovery {
  readonly hasPutBack: boolean
  /** Folders that could be neither deleted nor put back, and must be tried again. */
  readonly stuck: readonly Leftover[]
  /** Folders with older versions of checkpoints. Later calls ignore them. */
  readonly kept: readonly Leftover[]
}

/**
 * Finishes what killed processes left in a folder. Deletes checkpoints that were known to be the adopted ones, and puts the
 * others back. A checkpoint whose place is taken is kept aside, because it would replace a newer one once its place is free.
 * Rejects as `fromNodeError` describes if the folder cannot be read.
 */
export async function recoverConsumed(folder: string, disk: Disk = diskOn()): Promise<Recovery> {
  const stuck: Leftover[] = []
  const kept: Leftover[] = []
  let hasPutBack = false
  for (const name of await namesIn(folder)) {
    const path = join(folder, name)
    try {
      if (name.startsWith(checkedPrefix)) await disk.rm(path, { recursive: true, force: true })
      if (!name.startsWith(uncheckedPrefix)) continue
      const moved = await movedAsideIn(path)
      if (moved === undefined) {
        await disk.rmdir(path)
        continue
      }
      const older = await putBack(moved, disk)
      if (older === undefined) hasPutBack = true
      else kept.push(older)
    } catch (error) {
      stuck.push({ path, error: fromNodeError(error, `recovering ${path}`) })
    }
  }
  return { hasPutBack, stuck, kept }
}

interface MovedAside {
  readonly path: string
  readonly aside: string
  readonly isFolder: boolean
}

/** Returns the checkpoint in a hidden folder; `undefined` if the folder is empty. */
async function movedAsideIn(folder: string): Promise<MovedAside | undefined> {
  const [entry] = await readdir(folder, { withFileTypes: true })
  if (entry === undefined) return undefined
  const { name } = entry
  return { path: join(dirname(folder), name), aside: join(folder, name), isFolder: entry.isDirectory() }
}

/** Returns false if the checkpoint is gone. */
async function moveAside(path: string, aside: string, disk: Disk): Promise<boolean> {
  try {
    await disk.rename(path, aside)
    return true
  } catch (error) {
    await disk.rmdir(dirname(aside))
    if (isGone(error)) return false
    throw error
  }
}

function lasting({ files }: Snapshot): string {
  return files.map((file) => `${file.name}\0${file.lasting}`).join('\n')
}

/** Puts a checkpoint back. Returns it if it is kept aside instead, because it was written again. */
async function putBack(moved: MovedAside, disk: Disk): Promise<Leftover | undefined> {
  const { path, aside, isFolder } = moved
  try {
    if (isFolder) await disk.rename(aside, path)
    else await disk.link(aside, path)
  } catch (error) {
    const inPlace = await identityOf(path)
    if (inPlace === undefined) throw error
    if (inPlace !== (await identityOf(aside))) return keepAside(moved, error, disk)
  }
  if (!isFolder) await disk.unlink(aside)
  await disk.rmdir(dirname(aside))
  return undefined
}

async function keepAside({ path, aside }: MovedAside, cause: unknown, disk: Disk): Promise<Leftover> {
  const folder = dirname(aside)
  const kept = folder.replace(uncheckedPrefix, keptPrefix)
  await disk.rename(folder, kept)
  const error = new HoldfastError(
    'UNAVAILABLE',
    `${path} was written again while its adopted files were deleted. An older version, which may not be saved, is kept as ${join(kept, basename(aside))}.`,
    { cause },
  )
  return { path: kept, error }
}

/** Returns the device and inode at a path; `undefined` if nothing is there. */
async function identityOf(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await lstat(path, { bigint: true })
    return `${dev}:${ino}`
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isGone(error)) return []
    throw fromNodeError(error, `reading ${folder}`)
  }
}
