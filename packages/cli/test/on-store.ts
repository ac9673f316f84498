import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { holdfast, type Outcome } from './holdfast.ts'
import { workFolder } from './work-folder.ts'

/** Makes a folder with a file of 100,000 bytes to save, `checkpoint.pth`. It is removed at the end of the test. */
export async function checkpointFolder(): Promise<string> {
  const folder = await workFolder({})
  await writeFile(join(folder, 'checkpoint.pth'), randomBytes(100_000))
  return folder
}

/** Runs a command on the store in a folder. The command creates the store if it is missing. */
export async function onStore(folder: string, ...words: readonly string[]): Promise<Outcome> {
  return words[0] === 'copy' ? holdfast(folder, ...words) : holdfast(folder, '--store', './store', ...words)
}

/** Parses the last line of output. */
export function lastLine(text: string): Record<string, unknown> {
  return JSON.parse(text.trim().split('\n').at(-1) ?? '') as Record<string, unknown>
}
