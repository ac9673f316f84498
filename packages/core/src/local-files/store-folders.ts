import { isHoldfastError } from '../errors.ts'
import { nodeErrorCode } from '../node-errors.ts'
import type { LocalFileSystem } from './file-system.ts'
import { KnownFolder } from './real-place.ts'

/** A folder of this machine that has the files of a store or of its mirror. */
export interface StoreFolder {
  readonly kind: 'store' | 'mirror'
  readonly path: string
}

/** Such a folder, and its name in messages. */
export interface KnownStoreFolder {
  readonly name: string
  readonly folder: KnownFolder
}

const names: Readonly<Record<StoreFolder['kind'], string>> = {
  store: 'the store itself',
  mirror: 'the mirror of the store',
}

/** Finds the folders by all links that lead to them. */
export async function knownStoreFolders(
  fileSystem: LocalFileSystem,
  folders: readonly StoreFolder[],
): Promise<readonly KnownStoreFolder[]> {
  return Promise.all(
    folders.map(async ({ kind, path }) => ({
      name: names[kind],
      folder: await (kind === 'store' ? KnownFolder.at(fileSystem, path) : mirrorAt(fileSystem, path)),
    })),
  )
}

/** The store works without its mirror. Nothing can be written to a mirror that cannot be reached. */
async function mirrorAt(fileSystem: LocalFileSystem, path: string): Promise<KnownFolder> {
  try {
    return await KnownFolder.at(fileSystem, path)
  } catch (error) {
    if (!isHoldfastError(error) && nodeErrorCode(error) === undefined) throw error
    return KnownFolder.byPath(path)
  }
}
