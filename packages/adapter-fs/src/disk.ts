import type { Cloning } from './clone.ts'
import type { FileSystem } from './file-system.ts'
import type { DurableFolders } from './folders.ts'
import type { Names } from './names.ts'
import type { SeenFolders } from './seen-folders.ts'

/** The state that all calls to one store share: the file system, the names, and what is known about the folders. */
export interface Disk {
  readonly fileSystem: FileSystem
  readonly names: Names
  readonly seen: SeenFolders
  readonly folders: DurableFolders
  readonly cloning: Cloning
  /** The flags to open a file for reading. */
  readonly openFlags: number
}
