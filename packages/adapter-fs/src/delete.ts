import { dirname } from 'node:path'
import { type CallOptions, concurrently, type DeleteReport, throwIfAborted } from '@holdfast/core/backend'
import type { Disk } from './disk.ts'
import { failedWith, keyError } from './errors.ts'
import { removeEmpty } from './folders.ts'

/** How many files are unlinked at once. */
const unlinksAtOnce = 64

/**
 * Unlinks files in the given order, makes the deletion durable, and removes folders that are empty afterwards, except
 * the root. If a key is invalid, nothing is unlinked.
 */
export async function deleteKeys(
  disk: Disk,
  keys: readonly string[],
  { signal }: CallOptions,
): Promise<DeleteReport> {
  const { fileSystem, names } = disk
  const paths = keys.map((key) => ({ key, path: names.path(key) }))
  const outcomes = await concurrently(paths, unlinksAtOnce, undefined, async ({ key, path }) => {
    throwIfAborted(signal, 'The delete', { key, url: names.url })
    return unlink(disk, key, path)
  })
  const deleted = outcomes.filter(({ kind }) => kind === 'missing').map(({ key }) => key)
  const failed = outcomes.filter((each) => each.kind === 'failed').map(({ key, error }) => ({ key, error }))
  for (const { key } of outcomes.filter(({ kind }) => kind === 'missing'))
    await removeEmpty(fileSystem, names.foldersOf(key).toReversed())
  const unlinked = outcomes.filter(({ kind }) => kind === 'unlinked')
  for (const [folder, gone] of Map.groupBy(unlinked, ({ path }) => dirname(path))) {
    try {
      await syncNearest(disk, folder)
      await removeEmpty(fileSystem, names.foldersOf(gone[0]?.key ?? '').toReversed())
      for (const { key } of gone) deleted.push(key)
    } catch (error) {
      const what = `making the deletion in ${folder} durable`
      for (const { key } of gone) failed.push({ key, error: keyError(error, what, key, names.url) })
    }
  }
  return { deleted, failed }
}

type Outcome =
  | { readonly kind: 'unlinked' | 'missing'; readonly key: string; readonly path: string }
  | { readonly kind: 'failed'; readonly key: string; readonly path: string; readonly error: Error }

async function unlink({ fileSystem, names, seen }: Disk, key: string, path: string): Promise<Outcome> {
  try {
    await seen.refuseLinks(names.foldersOf(key))
    await fileSystem.unlink(path)
    return { kind: 'unlinked', key, path }
  } catch (error) {
    if (failedWith(error, 'ENOENT', 'ENOTDIR')) return { kind: 'missing', key, path }
    return { kind: 'failed', key, path, error: keyError(error, `deleting ${path}`, key, names.url) }
  }
}

/** Syncs a folder. If another delete has removed it, syncs the folder above, to make that removal durable. */
async function syncNearest(disk: Disk, folder: string): Promise<void> {
  try {
    await disk.folders.sync(folder)
  } catch (error) {
    if (!failedWith(error, 'ENOENT')) throw error
    if (folder !== disk.names.root) await syncNearest(disk, dirname(folder))
  }
}
