import { dirname } from 'node:path'
import { concurrently, type DeleteReport, throwIfAborted } from '@holdfast/core'
import { failedWith, keyError } from './errors.ts'
import type { FileSystem } from './file-system.ts'
import { type DurableFolders, removeEmpty } from './folders.ts'
import type { Names } from './names.ts'
import type { SeenFolders } from './seen-folders.ts'

/** Files that are unlinked at once. */
const unlinksAtOnce = 64

/**
 * Unlinks each, begun in the order given, makes that durable, and removes the folders that became empty. The root
 * stays. Nothing is unlinked when a key is not valid.
 */
export async function deleteKeys(
  fileSystem: FileSystem,
  names: Names,
  seen: SeenFolders,
  folders: DurableFolders,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<DeleteReport> {
  const paths = keys.map((key) => ({ key, path: names.path(key) }))
  const outcomes = await concurrently(paths, unlinksAtOnce, undefined, async ({ key, path }) => {
    throwIfAborted(signal, 'The delete', { key, url: names.url })
    return unlink(fileSystem, names, seen, key, path)
  })
  const deleted = outcomes.filter(({ kind }) => kind === 'missing').map(({ key }) => key)
  const failed = outcomes.filter((each) => each.kind === 'failed').map(({ key, error }) => ({ key, error }))
  const unlinked = outcomes.filter(({ kind }) => kind === 'unlinked')
  for (const [folder, gone] of Map.groupBy(unlinked, ({ path }) => dirname(path))) {
    try {
      await syncNearest(names, folders, folder)
      await removeEmpty(fileSystem, names.foldersOf(gone[0]?.key ?? '').toReversed())
      for (const { key } of gone) deleted.push(key)
    } catch (error) {
      const what = `making the delete in ${folder} last`
      for (const { key } of gone) failed.push({ key, error: keyError(error, what, key, names.url) })
    }
  }
  return { deleted, failed }
}

type Outcome =
  | { readonly kind: 'unlinked' | 'missing'; readonly key: string; readonly path: string }
  | { readonly kind: 'failed'; readonly key: string; readonly path: string; readonly error: Error }

async function unlink(
  fileSystem: FileSystem,
  names: Names,
  seen: SeenFolders,
  key: string,
  path: string,
): Promise<Outcome> {
  try {
    await seen.refuseLinks(names.foldersOf(key))
    await fileSystem.unlink(path)
    return { kind: 'unlinked', key, path }
  } catch (error) {
    if (failedWith(error, 'ENOENT', 'ENOTDIR')) return { kind: 'missing', key, path }
    return { kind: 'failed', key, path, error: keyError(error, `deleting ${path}`, key, names.url) }
  }
}

/** Another delete may have found the folder empty, and removed it: then it is that which is made durable. */
async function syncNearest(names: Names, folders: DurableFolders, folder: string): Promise<void> {
  try {
    await folders.sync(folder)
  } catch (error) {
    if (!failedWith(error, 'ENOENT')) throw error
    if (folder !== names.root) await syncNearest(names, folders, dirname(folder))
  }
}
