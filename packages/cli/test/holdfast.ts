import { type ChildProcess, execFile } from 'node:child_process'
import { readdir, watch } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

export const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))

export interface Outcome {
  readonly code: number | string | null
  readonly stdout: string
  readonly stderr: string
}

/** The environment has no store except the one that the test names, and no colours. */
export function environment(): NodeJS.ProcessEnv {
  const { HOLDFAST_STORE: _, HOLDFAST_JOB: __, ...rest } = process.env
  return { ...rest, NO_COLOR: '1' }
}

/** Runs the command line in a folder, to its end. */
export async function holdfast(folder: string, ...words: readonly string[]): Promise<Outcome> {
  return holdfastIn(environment(), folder, ...words)
}

/** Runs the command line with additional environment variables. */
export async function holdfastIn(
  env: NodeJS.ProcessEnv,
  folder: string,
  ...words: readonly string[]
): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...words], { cwd: folder, env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? null), stdout, stderr })
    })
  })
}

/** Resolves with the exit code of a process. */
export async function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.on('close', (code) => {
      resolve(code)
    })
  })
}

/** Waits until the store holds more names than before: the save has begun to write. */
export async function untilMore(store: string, count: number): Promise<void> {
  const stop = new AbortController()
  const changes = watch(store, { recursive: true, signal: stop.signal })[Symbol.asyncIterator]()
  while ((await readdir(store, { recursive: true })).length <= count) await changes.next()
  stop.abort()
}
