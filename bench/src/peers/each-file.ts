import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { concurrently } from '@holdfast/core'

/** At once. rclone has four by itself, the command line of AWS ten. */
const filesAtOnce = 16

/** Calls `send` for each file that lies in a folder, several of them at once. */
export async function eachFile(
  folder: string,
  send: (path: string, name: string) => Promise<unknown>,
): Promise<void> {
  const names = await readdir(folder)
  await concurrently(names, filesAtOnce, undefined, (name) => send(join(folder, name), name))
}
