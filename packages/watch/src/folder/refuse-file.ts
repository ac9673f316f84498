import { stat } from 'node:fs/promises'
import { HoldfastError } from '@holdfast/core'
import { fromPathError, nodeErrorCode } from '@holdfast/core/backend'

/** Rejects with `INVALID_ARGUMENT` if the path is a file or leads through one. A missing folder may be created later. */
export async function refuseFile(folder: string): Promise<void> {
  if (await mayBeFolder(folder)) return
  throw new HoldfastError('INVALID_ARGUMENT', `${folder} is a file, not a folder. Check the path.`)
}

async function mayBeFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (nodeErrorCode(error) === 'ENOENT') return true
    throw fromPathError(error, `looking at ${path}`)
  }
}
