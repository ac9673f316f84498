import type { Cloning } from './clone.ts'
import type { FileSystem } from './file-system.ts'
import type { DurableFolders } from './folders.ts'
import type { Names } from './names.ts'
import type { SeenFolders } from './seen-folders.ts'

/** What all calls to one store have in common: the file system, where in it the store lies, and what is known of it. */
export interface Disk {
  readonly fileSystem: FileSystem
  readonly names: Names
  readonly seen: SeenFolders
  readonly folders: DurableFolders
  readonly cloning: Cloning
}
