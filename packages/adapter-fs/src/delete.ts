import { dirname } from 'node:path'
import { type DeleteReport, throwIfAborted } from '@holdfast/core'
import { failedWith, keyError } from './errors.ts'
import type { FileSystem } from './file-system.ts'
import { type DurableFolders, removeEmpty } from './folders.ts'
import type { Names } from './names.ts'
import type { SeenFolders } from './seen-folders.ts'

/**
 * Unlinks each, makes that durable, and removes the folders that became empty. The root stays. Nothing is
 * unlinked when a key is not valid.
 */
export async function deleteKeys(
  fileSystem: FileSystem,
  names: Names,
  seen: SeenFolders,
  folders: DurableFolders,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<DeleteReport> {
  const paths = keys.map((key) => [key, names.path(key)] as const)
  const deleted: string[] = []
  const failed: { readonly key: string; readonly error: Error }[] = []
  const unlinked: { readonly key: string; readonly folder: string }[] = []
  for (const [key, path] of paths) {
    throwIfAborted(signal, 'The delete', { key, url: names.url })
    try {
      await seen.refuseLinks(names.foldersOf(key))
      await fileSystem.unlink(path)
      unlinked.push({ key, folder: dirname(path) })
    } catch (error) {
      if (failedWith(error, 'ENOENT', 'ENOTDIR')) deleted.push(key)
      else failed.push({ key, error: keyError(error, `deleting ${path}`, key, names.url) })
    }
  }
  for (const [folder, gone] of Map.groupBy(unlinked, (each) => each.folder)) {
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

/** Another delete may have found the folder empty, and removed it: then it is that which is made durable. */
async function syncNearest(names: Names, folders: DurableFolders, folder: string): Promise<void> {
  try {
    await folders.sync(folder)
  } catch (error) {
    if (!failedWith(error, 'ENOENT')) throw error
    if (folder !== names.root) await syncNearest(names, folders, dirname(folder))
  }
}
