import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isAlive } from './system.ts'

/**
 * An empty folder of this process, whose name begins with `prefix` and tells the process. Those of the same prefix
 * that a process left behind when it was killed are removed.
 */
export async function temporaryFolder(parent: string, prefix: string): Promise<string> {
  const names = (await readdir(parent)).filter((name) => name.startsWith(prefix))
  const left = names.filter((name) => !isAlive(Number.parseInt(name.slice(prefix.length), 10)))
  // One of another user stays: it is not ours to remove.
  await Promise.allSettled(left.map(async (name) => rm(join(parent, name), { recursive: true, force: true })))
  return mkdtemp(join(parent, `${prefix}${process.pid}-`))
}
