import { mkdtemp, readdir } from 'node:fs/promises'
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

/**
 * Deletes the files of a checkpoint if they still match the snapshot. Returns false if they were replaced. If the process is
 * killed meanwhile, `recoverConsumed` finds what it left.
 */
export async function consume(
  candidate: Candidate,
  adopted: Snapshot,
  disk: Disk = diskOn(),
): Promise<boolean> {
  const { path } = candidate
  try {
    const folder = await mkdtemp(join(dirname(path), uncheckedPrefix))
    const aside = join(folder, basename(path))
    if (!(await moveAside(path, aside, disk))) return false
    const moved = await takeSnapshot({ ...candidate, path: aside })
    if (moved === undefined || lasting(moved) !== lasting(adopted)) {
      await putBack({ path, aside, isFolder: candidate.isFolder }, disk)
      return false
    }
    const checked = folder.replace(uncheckedPrefix, checkedPrefix)
    await disk.rename(folder, checked)
    await disk.rm(checked, { recursive: true })
    return true
  } catch (error) {
    throw fromNodeError(error, `deleting ${path}`)
  }
}

/** What a killed process left, and why it could not be deleted or put back. */
export interface StuckLeftover {
  readonly path: string
  readonly error: HoldfastError
}

/**
 * Finishes what killed processes left in a folder: deletes checkpoints that were known to be the adopted ones, and puts the
 * others back. Returns whether it put any back.
 */
export async function recoverConsumed(
  folder: string,
  disk: Disk = diskOn(),
): Promise<{ readonly hasPutBack: boolean; readonly stuck: readonly StuckLeftover[] }> {
  const stuck: StuckLeftover[] = []
  let hasPutBack = false
  for (const name of await namesIn(folder)) {
    const path = join(folder, name)
    try {
      if (name.startsWith(checkedPrefix)) await disk.rm(path, { recursive: true, force: true })
      if (name.startsWith(uncheckedPrefix)) hasPutBack = (await putAllBack(path, disk)) || hasPutBack
    } catch (error) {
      stuck.push({ path, error: fromNodeError(error, `recovering ${path}`) })
    }
  }
  return { hasPutBack, stuck }
}

async function putAllBack(left: string, disk: Disk): Promise<boolean> {
  const entries = await readdir(left, { withFileTypes: true })
  for (const entry of entries) {
    const path = join(dirname(left), entry.name)
    await putBack({ path, aside: join(left, entry.name), isFolder: entry.isDirectory() }, disk)
  }
  if (entries.length === 0) await disk.rmdir(left)
  return entries.length > 0
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

async function putBack(
  { path, aside, isFolder }: { readonly path: string; readonly aside: string; readonly isFolder: boolean },
  disk: Disk,
): Promise<void> {
  try {
    if (isFolder) await disk.rename(aside, path)
    else {
      await disk.link(aside, path)
      await disk.unlink(aside)
    }
    await disk.rmdir(dirname(aside))
  } catch (error) {
    throw new HoldfastError(
      'UNAVAILABLE',
      `${path} was written again while its adopted files were deleted. A version that may not be saved is kept as ${aside}.`,
      { cause: error },
    )
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isGone(error)) return []
    throw error
  }
}
