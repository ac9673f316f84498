import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { isAlive } from './system.ts'

/**
 * Creates an empty folder. Its name consists of `prefix`, the id of this process and random characters. Removes folders
 * with the same prefix whose process no longer exists.
 */
export async function temporaryFolder(parent: string, prefix: string): Promise<string> {
  const names = (await readdir(parent)).filter((name) => name.startsWith(prefix))
  const leftovers = names.filter((name) => !isAlive(Number.parseInt(name.slice(prefix.length), 10)))
  // Folders of other users cannot be removed, so errors are ignored.
  await Promise.allSettled(leftovers.map(async (name) => removeFolder(join(parent, name))))
  return mkdtemp(join(parent, `${prefix}${process.pid}-`))
}

/** Removes a folder and its contents. Unmounts file systems below the folder first, and rejects if that fails. */
export async function removeFolder(folder: string): Promise<void> {
  for (const mounted of await mountsBelow(folder)) await promisify(execFile)('umount', [mounted])
  // A process that has not ended yet may create a file during the removal.
  await rm(folder, { recursive: true, force: true, maxRetries: 10 })
}

/** Returns the paths at which file systems are mounted below a folder on Linux, the latest first. */
async function mountsBelow(folder: string): Promise<readonly string[]> {
  const table = '/proc/self/mounts'
  if (!existsSync(table) || !existsSync(folder)) return []
  const above = join(await realpath(folder), '/')
  const mounted = (await readFile(table, 'utf8'))
    .split('\n')
    .map((line) => unescaped(line.split(' ')[1] ?? ''))
  return mounted.filter((path) => path.startsWith(above)).toReversed()
}

/**
 * Decodes a path of the mount table. A space, a tab, a line feed and a backslash are written as a backslash and three
 * octal digits: https://man7.org/linux/man-pages/man3/getmntent.3.html.
 */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
