import { dirname } from 'node:path'
import { type DeleteReport, throwIfAborted } from '@holdfast/core'
import { failedWith, keyError } from './errors.ts'
import type { FileSystem } from './file-system.ts'
import { refuseLinks, removeEmpty, syncFolder } from './folders.ts'
import type { Names } from './names.ts'

/** Unlinks each, makes that durable, and removes the folders that became empty. The root stays. */
export async function deleteKeys(
  fileSystem: FileSystem,
  names: Names,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<DeleteReport> {
  const deleted: string[] = []
  const failed: { readonly key: string; readonly error: Error }[] = []
  const changed = new Map<string, string>()
  for (const key of keys) {
    throwIfAborted(signal, 'The delete', { key, url: names.url })
    const path = names.path(key)
    try {
      await refuseLinks(fileSystem, names.foldersOf(key))
      await fileSystem.unlink(path)
      changed.set(dirname(path), key)
      deleted.push(key)
    } catch (error) {
      if (failedWith(error, 'ENOENT', 'ENOTDIR')) deleted.push(key)
      else failed.push({ key, error: keyError(error, `deleting ${path}`, key, names.url) })
    }
  }
  for (const [folder, key] of changed) {
    await syncIfThere(fileSystem, folder)
    await removeEmpty(fileSystem, names.foldersOf(key).toReversed())
  }
  return { deleted, failed }
}

async function syncIfThere(fileSystem: FileSystem, folder: string): Promise<void> {
  try {
    await syncFolder(fileSystem, folder)
  } catch (error) {
    if (!failedWith(error, 'ENOENT')) throw error // another delete found it empty, and removed it
  }
}
