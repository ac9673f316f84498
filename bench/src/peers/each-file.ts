import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { concurrently } from '@holdfast/core/backend'

/**
 * Number of files sent at once. The defaults are 4 for rclone (https://rclone.org/docs/#transfers-int) and 10 for the
 * command line of AWS (https://docs.aws.amazon.com/cli/latest/topic/s3-config.html).
 */
const filesAtOnce = 16

/** Calls `send` for each file in a folder, several at once. */
export async function eachFile(
  folder: string,
  send: (path: string, name: string) => Promise<unknown>,
): Promise<void> {
  await eachName(await readdir(folder), (name) => send(join(folder, name), name))
}

/** Calls `transfer` for each name, several at once. */
export async function eachName(
  names: readonly string[],
  transfer: (name: string) => Promise<unknown>,
): Promise<void> {
  await concurrently(names, filesAtOnce, undefined, transfer)
}
