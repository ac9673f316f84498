import { execFileSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { commandOn } from './command.ts'

/** The root of the checkout. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Returns the changesets of a checkout, relative to it. */
export function changesetsOf(checkout: string): readonly string[] {
  return globSync('.changeset/*.md', { cwd: checkout }).filter((name) => !name.endsWith('README.md'))
}

/** Runs a command in a folder and returns its output. If it fails, prints its output and throws. */
export function run(folder: string, program: string, ...words: readonly string[]): string {
  const { file, args, shell } = commandOn(process.platform, program, words)
  try {
    const env = { ...process.env, NODE_NO_WARNINGS: '1' }
    const maxBuffer = 2 ** 26
    return execFileSync(file, args, { cwd: folder, encoding: 'utf8', stdio: 'pipe', shell, env, maxBuffer })
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string }
    process.stderr.write(`${[program, ...words].join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}\n`)
    throw error
  }
}

/** Runs a command in the root of the checkout, and shows its output. Throws if it fails. */
export function show(program: string, ...words: readonly string[]): void {
  const { file, args, shell } = commandOn(process.platform, program, words)
  execFileSync(file, args, { cwd: root, stdio: 'inherit', shell })
}
