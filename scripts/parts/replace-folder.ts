import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'

/**
 * Replaces a folder by one that `fill` fills under another name. If `fill` fails, the folder stays as it is, so that programs can
 * still use it.
 */
export function replaceFolder(folder: string, fill: (folder: string) => void): void {
  const [next, last] = [`${folder}.new`, `${folder}.old`]
  if (!existsSync(folder)) renameIfThere(last, folder) // an earlier call was killed between the two renames
  for (const leftover of [next, last]) rmSync(leftover, { recursive: true, force: true })
  mkdirSync(next, { recursive: true })
  try {
    fill(next)
    renameIfThere(folder, last)
    renameSync(next, folder)
  } catch (error) {
    renameIfThere(last, folder)
    throw error
  } finally {
    for (const leftover of [next, last]) rmSync(leftover, { recursive: true, force: true })
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
