import { homedir } from 'node:os'
import { isAbsolute, parse } from 'node:path'
import { isHoldfastError } from '../errors.ts'
import { nodeErrorCode } from '../node-errors.ts'
import type { LocalFileSystem } from './file-system.ts'
import { type RealPlace, realPlaceOf } from './real-place.ts'

/**
 * Returns the home folder of the user with all links resolved. Returns `undefined` for a user without one, such as a numeric user of
 * a container. A path that the user may not look at, or that is a dead link, counts as it is.
 */
export async function homePlace(fileSystem: LocalFileSystem): Promise<RealPlace | undefined> {
  const path = homePath()
  if (path === undefined) return undefined
  try {
    return await realPlaceOf(fileSystem, path)
  } catch (error) {
    if (!isHoldfastError(error, 'INVALID_ARGUMENT', 'PERMISSION_DENIED')) throw error
    return { path, existing: parse(path).root }
  }
}

function homePath(): string | undefined {
  try {
    const path = homedir()
    return isAbsolute(path) ? path : undefined
  } catch (error) {
    if (nodeErrorCode(error) === 'ERR_SYSTEM_ERROR') return undefined
    throw error
  }
}
