import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { HoldfastError } from '@holdfast/core'
import { fromNodeError } from '@holdfast/core/backend'
import { type Disk, diskOn } from '../disk.ts'
import { type Candidate, isGone } from '../folder/find-candidates.ts'
import { type Snapshot, takeSnapshot } from '../folder/snapshot.ts'

/**
 * Deletes the files of a checkpoint if they still match the snapshot. Moves them aside first, so that a file that is
 * created in their place is not deleted. Returns false if they were replaced.
 */
export async function consume(
  candidate: Candidate,
  adopted: Snapshot,
  disk: Disk = diskOn(),
): Promise<boolean> {
  const aside = join(dirname(candidate.path), `.holdfast-consumed-${randomBytes(6).toString('hex')}`)
  try {
    await disk.rename(candidate.path, aside)
  } catch (error) {
    if (isGone(error)) return false
    throw fromNodeError(error, `deleting ${candidate.path}`)
  }
  const moved = await takeSnapshot({ ...candidate, path: aside })
  if (moved !== undefined && lasting(moved) === lasting(adopted)) {
    await disk.rm(aside, { recursive: true })
    return true
  }
  await putBack(candidate, aside, disk)
  return false
}

function lasting({ files }: Snapshot): string {
  return files.map((file) => `${file.name}\0${file.lasting}`).join('\n')
}

async function putBack(candidate: Candidate, aside: string, disk: Disk): Promise<void> {
  try {
    if (candidate.isFolder) await disk.rename(aside, candidate.path)
    else {
      await disk.link(aside, candidate.path)
      await disk.unlink(aside)
    }
  } catch (error) {
    throw new HoldfastError(
      'UNAVAILABLE',
      `${candidate.path} was written again while its adopted files were deleted. A version that is not saved is kept as ${aside}.`,
      { cause: error },
    )
  }
}
