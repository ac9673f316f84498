import { mkdir, mkdtemp } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fromNodeError, nodeErrorCode } from '@holdfast/core/backend'
import { type Disk, diskOn } from '../disk.ts'
import { isGone } from '../folder/find-candidates.ts'

/** Hidden, so that programs that list the folder do not find it. */
const folderName = '.holdfast-set-aside'

/** Makes a new folder for what is set aside at this time. */
export async function makeAsideFolder(folder: string, now: Date): Promise<string> {
  const parent = join(folder, folderName)
  const time = now.toISOString().slice(0, 19).replaceAll(':', '-')
  try {
    await mkdir(parent, { recursive: true })
    return await mkdtemp(join(parent, `${time}-`))
  } catch (error) {
    throw fromNodeError(error, `making a folder in ${parent}`)
  }
}

/**
 * Moves a checkpoint out of the way by one rename. The ending of the new name hides it from programs that search all folders.
 * A checkpoint on another file system than `aside` is moved to a hidden folder beside it. Returns the new path; `undefined` if
 * the checkpoint is gone.
 */
export async function setAside(
  { name, path }: { readonly name: string; readonly path: string },
  aside: string,
  disk: Disk = diskOn(),
): Promise<string | undefined> {
  const beside = join(dirname(path), folderName, basename(aside), `${basename(path)}.aside`)
  try {
    return await moveTo(path, join(aside, `${name}.aside`), disk).catch((error: unknown) => {
      if (nodeErrorCode(error) !== 'EXDEV') throw error
      return moveTo(path, beside, disk)
    })
  } catch (error) {
    if (isGone(error)) return undefined
    throw fromNodeError(error, `setting ${path} aside`)
  }
}

async function moveTo(path: string, target: string, disk: Disk): Promise<string> {
  await mkdir(dirname(target), { recursive: true })
  await disk.rename(path, target)
  return target
}
