import { join } from 'node:path'
import {
  type SweepOptions,
  type SweepReport,
  throwIfAborted,
  type UnfinishedWork,
} from '@holdfast/core/backend'
import type { Disk } from './disk.ts'
import { failedWith } from './errors.ts'
import { removeEmpty } from './folders.ts'
import { unlinkIfThere } from './if-there.ts'
import { temporaryPrefix } from './names.ts'
import { readFolder } from './read-folder.ts'

/**
 * Removes temporary files and empty folders that crashed writers left. An empty folder has a key that ends with `/`.
 * Its name does not show who created it, so empty folders are removed only if `only` returns true for them.
 *
 * Ages are measured by the clock of this machine, which is also the clock of a local disk. The clock of a network file
 * system may differ. If the sweep deletes the temporary file of a running write, that write fails and nothing is lost.
 */
export async function sweep(disk: Disk, options: SweepOptions): Promise<SweepReport> {
  const { olderThan, prefix = '', only, dryRun = false, signal } = options
  const discarded: UnfinishedWork[] = []
  let left = 0
  for await (const file of leftovers(disk, '', options)) {
    throwIfAborted(signal, 'The sweep', { url: disk.names.url })
    const isFolder = file.key.endsWith('/')
    if (isFolder && only === undefined) continue
    if (!file.key.startsWith(prefix) || ageOf(file) < olderThan || only?.(file.key) === false) {
      left += 1
      continue
    }
    if (!dryRun) await discard(disk, file.key)
    discarded.push(file)
  }
  return { discarded, left }
}

/**
 * Returns the age in milliseconds. Node.js rounds the times of files to milliseconds, so a new file may seem to come from
 * the future.
 */
function ageOf({ startedAt }: UnfinishedWork): number {
  return Math.max(0, Date.now() - startedAt.getTime())
}

async function discard({ fileSystem, names }: Disk, key: string): Promise<void> {
  if (!key.endsWith('/')) await unlinkIfThere(fileSystem, join(names.root, key))
  await removeEmpty(fileSystem, names.foldersOf(key).toReversed())
}

async function* leftovers(disk: Disk, folder: string, options: SweepOptions): AsyncGenerator<UnfinishedWork> {
  const { prefix = '' } = options
  const children = await readFolder(disk, folder, options)
  if (children === undefined) return
  if (children.length === 0 && folder !== '') {
    const empty = await describe(disk, folder)
    if (empty !== undefined) yield { key: folder, startedAt: empty.startedAt }
    return
  }
  for (const child of children) {
    const key = `${folder}${child.name}`
    if (child.isFile() && child.name.startsWith(temporaryPrefix)) {
      const found = await describe(disk, key)
      if (found !== undefined) yield found
    } else if (child.isDirectory() && (prefix.startsWith(`${key}/`) || `${key}/`.startsWith(prefix))) {
      yield* leftovers(disk, `${key}/`, options)
    }
  }
}

async function describe({ fileSystem, names }: Disk, key: string): Promise<UnfinishedWork | undefined> {
  try {
    const { mtime, size } = await fileSystem.lstat(join(names.root, key))
    return { key, startedAt: mtime, size }
  } catch (error) {
    if (failedWith(error, 'ENOENT')) return undefined
    throw error
  }
}
