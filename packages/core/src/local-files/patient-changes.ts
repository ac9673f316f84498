import type { PathLike } from 'node:fs'
import type * as promises from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { nodeErrorCode } from '../node-errors.ts'

/** Milliseconds between the attempts. A scanner usually closes a file within a second. */
const pauses = [10, 20, 40, 80, 160, 320, 640]

/** The errors of a name on Windows whose file another program has open. */
const held: readonly (string | undefined)[] = ['EPERM', 'EBUSY', 'EACCES']

/**
 * Changes a name, and tries again if another program has the file open. On Windows, a virus scanner or an indexer opens new
 * files for a moment. A rename or a deletion then fails without an effect:
 * https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-createfilew. Rejects with the last error after about a
 * second. Tests can pass another pause.
 */
export async function patiently(
  change: () => Promise<void>,
  pause: (ms: number) => Promise<void> = wait,
): Promise<void> {
  for (const milliseconds of pauses) {
    try {
      await change()
      return
    } catch (error) {
      if (!held.includes(nodeErrorCode(error))) throw error
    }
    await pause(milliseconds)
  }
  await change()
}

/** Returns a file system whose `rename`, `unlink` and `rmdir` try again if another program has the file open. */
export function withPatientChanges<F extends Pick<typeof promises, 'rename' | 'rmdir' | 'unlink'>>(
  fileSystem: F,
  pause?: (ms: number) => Promise<void>,
): F {
  return {
    ...fileSystem,
    rename: (from: PathLike, to: PathLike) => patiently(() => fileSystem.rename(from, to), pause),
    rmdir: (path: PathLike) => patiently(() => fileSystem.rmdir(path), pause),
    unlink: (path: PathLike) => patiently(() => fileSystem.unlink(path), pause),
  }
}

async function wait(milliseconds: number): Promise<void> {
  await setTimeout(milliseconds)
}
