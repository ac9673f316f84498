import * as promises from 'node:fs/promises'
import { patiently, withPatientChanges } from '@holdfast/core/backend'

/** The functions of `node:fs/promises` that change names in the watched folder. Tests can fail each one. */
export type NameChanges = Pick<typeof promises, 'link' | 'rename' | 'rm' | 'rmdir' | 'unlink'>

/** The disk with the watched folder. */
export interface Disk extends NameChanges {
  /** Makes the names in a folder durable. Does nothing on Windows, which cannot sync a folder. */
  readonly syncFolder: (folder: string) => Promise<void>
}

/** Returns the disk of this machine. On Windows, a change waits until a virus scanner has closed the file. */
export function diskOn(
  platform: NodeJS.Platform = process.platform,
  changes: NameChanges = promises,
  open: typeof promises.open = promises.open,
): Disk {
  if (platform !== 'win32') return { ...changes, syncFolder: (folder) => syncFolder(open, folder) }
  return {
    ...withPatientChanges(changes),
    rm: (path, options) => patiently(() => changes.rm(path, options)),
    syncFolder: async () => undefined,
  }
}

async function syncFolder(open: typeof promises.open, folder: string): Promise<void> {
  await using handle = await open(folder, 'r')
  await handle.sync()
}
