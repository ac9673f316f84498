import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** At once. rclone has four by itself, the command line of AWS ten. */
const filesAtOnce = 16

/** Calls `send` for each file that lies in a folder, several of them at once. */
export async function eachFile(
  folder: string,
  send: (path: string, name: string) => Promise<unknown>,
): Promise<void> {
  const names = (await readdir(folder)).values()
  const one = async (): Promise<void> => {
    for (const name of names) await send(join(folder, name), name)
  }
  await Promise.all(Array.from({ length: filesAtOnce }, one))
}
