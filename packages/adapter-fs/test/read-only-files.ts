import type { FileSystem } from '../src/index.ts'

/** POSIX lets a process write through the handle that creates a read-only file. memfs does not. */
export function creatingReadOnly(fileSystem: FileSystem): FileSystem {
  return { ...fileSystem, open: (path, flags) => fileSystem.open(path, flags) }
}
