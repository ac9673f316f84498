import { type CallOptions, computedHash, type ObjectHash } from '@holdfast/core'
import type { FileSystem } from './file-system.ts'
import type { Names } from './names.ts'
import { read } from './read.ts'
import type { SeenFolders } from './seen-folders.ts'

/** A file system keeps no digests, so it is computed by reading. */
export async function hash(
  fileSystem: FileSystem,
  names: Names,
  seen: SeenFolders,
  key: string,
  { signal }: CallOptions,
): Promise<ObjectHash> {
  return computedHash(await read(fileSystem, names, seen, key, { signal }))
}
