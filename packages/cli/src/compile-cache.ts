import { lstatSync, mkdirSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, posix, win32 } from 'node:path'

const sticky = 0o1000
const othersMayWrite = 0o022
const othersMayDoAnything = 0o077

/**
 * Returns the folder for compiled code and creates it if it is missing. Returns `undefined` if no private folder is
 * available. Node.js executes the code in this folder, so it must belong to the user, and nobody else may read or write
 * it. The default of Node.js is in the shared temporary folder, where another user can create it first.
 */
export function compileCacheFolder(environment: NodeJS.ProcessEnv): string | undefined {
  const caches = cachesFolder(environment)
  if (caches === undefined) return undefined
  try {
    makePrivate(caches)
    makePrivate(join(caches, 'holdfast'))
    // Node.js follows links, so the target is checked.
    const folder = realpathSync(join(caches, 'holdfast'))
    return isPrivate(folder) ? folder : undefined
  } catch {
    // A command must not fail because its cache cannot be created.
    return undefined
  }
}

/** Returns the folder for caches of this user. Returns `undefined` if the environment names no absolute path. */
export function cachesFolder(
  { XDG_CACHE_HOME: chosen = '', LOCALAPPDATA: local = '' }: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  if (platform === 'win32') return win32.isAbsolute(local) ? local : undefined
  if (posix.isAbsolute(chosen)) return chosen
  return posix.isAbsolute(homedir()) ? posix.join(homedir(), '.cache') : undefined
}

/** Creates the folder but not its parents: a missing home folder stays missing. */
function makePrivate(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

/** Returns whether only this user can change files in the folder, and nobody else can replace it or a parent. */
function isPrivate(folder: string): boolean {
  const user = process.geteuid?.()
  // On Windows other users cannot write to this folder.
  if (user === undefined) return true
  const { mode, uid } = lstatSync(folder)
  if (uid !== user || (mode & othersMayDoAnything) !== 0) return false
  for (let above = dirname(folder); ; above = dirname(above)) {
    const stats = lstatSync(above)
    const isShared = (stats.mode & othersMayWrite) !== 0 && (stats.mode & sticky) === 0
    if (isShared || (stats.uid !== user && stats.uid !== 0)) return false
    if (above === dirname(above)) return true
  }
}
