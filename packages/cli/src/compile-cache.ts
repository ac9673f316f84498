import { lstatSync, mkdirSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'

const sticky = 0o1000
const othersMayWrite = 0o022
const othersMayDoAnything = 0o077

/**
 * Returns the folder where Node.js keeps compiled code for the next command, and makes it if need be; `undefined` for
 * none. Node.js runs what it finds there. Its own default lies in the shared temporary folder, where another user can
 * create it first, so this one belongs to the user, and nobody else may read or write it.
 */
export function compileCacheFolder(environment: NodeJS.ProcessEnv): string | undefined {
  const caches = cachesOf(environment)
  if (caches === undefined) return undefined
  try {
    makePrivate(caches)
    makePrivate(join(caches, 'holdfast'))
    // Without links, so that what is judged is what Node.js opens.
    const folder = realpathSync(join(caches, 'holdfast'))
    return isPrivate(folder) ? folder : undefined
  } catch {
    // A command must not fail because its cache cannot be made.
    return undefined
  }
}

function cachesOf({
  XDG_CACHE_HOME: chosen = '',
  LOCALAPPDATA: local = '',
}: NodeJS.ProcessEnv): string | undefined {
  if (process.platform === 'win32') return isAbsolute(local) ? local : undefined
  if (isAbsolute(chosen)) return chosen
  return isAbsolute(homedir()) ? join(homedir(), '.cache') : undefined
}

/** Makes the folder alone: a home that does not exist stays so. */
function makePrivate(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

/** Whether only this user can change what lies in the folder, nor can others replace it or a folder above it. */
function isPrivate(folder: string): boolean {
  const user = process.geteuid?.()
  // Windows keeps the folder of each user from the others.
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
