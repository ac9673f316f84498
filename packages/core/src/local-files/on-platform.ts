import type { LocalFileSystem } from './file-system.ts'
import { withPatientChanges } from './patient-changes.ts'

/** The file system of a destination, with what differs between platforms. */
export interface DestinationFileSystem extends LocalFileSystem {
  /** Makes the entries of a folder durable. Does nothing on Windows, which cannot sync a folder. */
  readonly syncFolder: (folder: string) => Promise<void>
}

/** Returns the file system of a destination. On Windows, a change of a name waits until other programs have closed the file. */
export function fileSystemOn(platform: NodeJS.Platform, fileSystem: LocalFileSystem): DestinationFileSystem {
  if (platform === 'win32') return { ...withPatientChanges(fileSystem), syncFolder: async () => undefined }
  return { ...fileSystem, syncFolder: (folder) => syncFolder(fileSystem, folder) }
}

async function syncFolder(fileSystem: LocalFileSystem, folder: string): Promise<void> {
  const handle = await fileSystem.open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
