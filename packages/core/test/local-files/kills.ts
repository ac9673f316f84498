import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Texts } from '../trees.ts'

const restorer = fileURLToPath(new URL('restorer.ts', import.meta.url))

/**
 * Restores files in a process that is killed before one of its calls. Returns how the process ended: the exit code, or the signal
 * that killed it.
 */
export async function restoreKilledAt(
  call: number,
  to: string,
  files: Texts,
): Promise<number | string | null> {
  return new Promise((resolve) => {
    const words = [restorer, to, String(call), JSON.stringify(files)]
    const child = execFile(process.execPath, words, () => {
      resolve(child.signalCode ?? child.exitCode)
    })
  })
}
