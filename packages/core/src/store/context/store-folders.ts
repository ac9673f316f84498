import type { CheckpointBackend } from '../../backend/index.ts'
import type { StoreFolder } from '../../local-files/store-folders.ts'

/** Returns the folders of this machine that have the files of a store and of its mirror. */
export function storeFoldersOf(
  store: CheckpointBackend,
  mirror: CheckpointBackend | undefined,
): readonly StoreFolder[] {
  return [folderOf('store', store), folderOf('mirror', mirror)].flat()
}

function folderOf(kind: StoreFolder['kind'], backend: CheckpointBackend | undefined): readonly StoreFolder[] {
  const path = backend?.capabilities.localRoot
  return path === undefined ? [] : [{ kind, path }]
}
