import * as promises from 'node:fs/promises'
import { patiently, withPatientChanges } from '@holdfast/core/backend'

/** The changes of names in the watched folder. Tests can fail each one. */
export type Disk = Pick<typeof promises, 'link' | 'rename' | 'rm' | 'rmdir' | 'unlink'>

/** Returns the disk of this machine. On Windows, a change waits until a virus scanner has closed the file. */
export function diskOn(platform: NodeJS.Platform = process.platform, disk: Disk = promises): Disk {
  if (platform !== 'win32') return disk
  return { ...withPatientChanges(disk), rm: (path, options) => patiently(() => disk.rm(path, options)) }
}
