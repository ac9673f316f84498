import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { isAlive } from './system.ts'

/**
 * An empty folder of this process, whose name begins with `prefix` and tells the process. Those of the same prefix
 * that a process left behind when it was killed are removed.
 */
export async function temporaryFolder(parent: string, prefix: string): Promise<string> {
  const names = (await readdir(parent)).filter((name) => name.startsWith(prefix))
  const left = names.filter((name) => !isAlive(Number.parseInt(name.slice(prefix.length), 10)))
  // One of another user stays: it is not ours to remove.
  await Promise.allSettled(left.map(async (name) => removeFolder(join(parent, name))))
  return mkdtemp(join(parent, `${prefix}${process.pid}-`))
}

/** Removes a folder with all that is in it. Unmounts what is mounted below it first, and rejects if that fails. */
export async function removeFolder(folder: string): Promise<void> {
  for (const mounted of await mountsBelow(folder)) await promisify(execFile)('umount', [mounted])
  // A process that is about to end may still create a file.
  await rm(folder, { recursive: true, force: true, maxRetries: 10 })
}

/** Where Linux says that file systems are mounted below a folder, the latest first. */
async function mountsBelow(folder: string): Promise<readonly string[]> {
  const table = '/proc/self/mounts'
  if (!existsSync(table) || !existsSync(folder)) return []
  const above = join(await realpath(folder), '/')
  const mounted = (await readFile(table, 'utf8'))
    .split('\n')
    .map((line) => unescaped(line.split(' ')[1] ?? ''))
  return mounted.filter((path) => path.startsWith(above)).toReversed()
}

/** The table of mounts writes a space, and three other characters, as a backslash and three octal digits. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
