import { homedir } from 'node:os'
import { posix, win32 } from 'node:path'

/**
 * Returns the folder in which this user keeps the sessions of uploads: `$XDG_STATE_HOME/holdfast/uploads`
 * (https://specifications.freedesktop.org/basedir-spec/latest/), and below `%LOCALAPPDATA%` on Windows. Returns `undefined` if the
 * environment names no absolute path.
 */
export function uploadsFolder(
  { XDG_STATE_HOME: chosen = '', LOCALAPPDATA: local = '' }: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  const path = platform === 'win32' ? win32 : posix
  const ofUser = platform === 'win32' ? local : path.join(homedir(), '.local', 'state')
  const states = path.isAbsolute(chosen) ? chosen : ofUser
  return path.isAbsolute(states) ? path.join(states, 'holdfast', 'uploads') : undefined
}
