import { execFileSync } from 'node:child_process'
import { root } from './checkout.ts'
import { commandOn } from './command-on-platform.ts'

/** Runs a program in a folder and returns its output. If it fails, prints its output and throws. */
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

/** Runs a program in the root of the checkout, and shows its output. Throws if it fails. */
export function show(program: string, ...words: readonly string[]): void {
  const { file, args, shell } = commandOn(process.platform, program, words)
  execFileSync(file, args, { cwd: root, stdio: 'inherit', shell })
}
