import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The root of the checkout. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/** Runs a command in a folder and returns its output. If it fails, prints its output and throws. */
export function run(folder: string, program: string, ...words: readonly string[]): string {
  try {
    return execFileSync(program, words, { cwd: folder, encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string }
    process.stderr.write(`${[program, ...words].join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}\n`)
    throw error
  }
}
