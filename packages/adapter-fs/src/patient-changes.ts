import { setTimeout } from 'node:timers/promises'
import { failedWith } from './errors.ts'
import type { FileSystem } from './file-system.ts'

/** Milliseconds between the attempts. A scanner usually closes a file within a second. */
const pauses = [10, 20, 40, 80, 160, 320, 640]

/**
 * Returns a file system whose `rename` and `unlink` try again if another program has the file open. On Windows, a virus scanner
 * or an indexer opens new files for a moment, and both calls then fail:
 * https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-createfilew. Neither call had an effect if it failed so.
 */
export function withPatientChanges(
  fileSystem: FileSystem,
  pause: (ms: number) => Promise<void> = wait,
): FileSystem {
  const patiently = async (change: () => Promise<void>): Promise<void> => {
    for (const milliseconds of pauses) {
      try {
        await change()
        return
      } catch (error) {
        if (!failedWith(error, 'EPERM', 'EBUSY', 'EACCES')) throw error
      }
      await pause(milliseconds)
    }
    await change()
  }
  return {
    ...fileSystem,
    rename: (from, to) => patiently(() => fileSystem.rename(from, to)),
    unlink: (path) => patiently(() => fileSystem.unlink(path)),
  }
}

async function wait(milliseconds: number): Promise<void> {
  await setTimeout(milliseconds)
}
