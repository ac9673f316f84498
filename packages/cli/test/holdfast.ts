import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readdir, watch } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { endOfOutput, type Request } from './runner-protocol.ts'

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

/**
 * Runs the command line in a folder, to its end. The process is one that earlier commands may have used, since the start
 * of a process takes 20 times as long as most commands. `holdfastProcess` is for tests of what belongs to a process: when
 * it started, how it ends, and what Node.js reads when it starts.
 */
export async function holdfast(folder: string, ...words: readonly string[]): Promise<Outcome> {
  return holdfastIn(environment(), folder, ...words)
}

/** Runs the command line with additional environment variables. */
export async function holdfastIn(
  env: NodeJS.ProcessEnv,
  folder: string,
  ...words: readonly string[]
): Promise<Outcome> {
  const runner = idle.pop() ?? new Runner()
  const outcome = await runner.run({ folder, env, words })
  if (runner.isAlive) idle.push(runner)
  return outcome
}

/** Runs the command line in a process of its own. */
export async function holdfastProcess(
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

/** Processes that wait for a command line. Commands that run at the same time are in different processes. */
const idle: Runner[] = []

/** A process that runs command lines, one after the other. It ends with this process. */
class Runner {
  readonly #child = spawn(process.execPath, [fileURLToPath(new URL('runner.ts', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  async run(request: Request): Promise<Outcome> {
    const outputs = Promise.all([this.#child.stdout, this.#child.stderr].map(untilEnd))
    const code = new Promise<number | null>((resolve) => {
      this.#child.removeAllListeners().once('message', resolve).once('close', resolve)
    })
    this.#child.send(request)
    const [stdout = '', stderr = ''] = await outputs
    return { code: await code, stdout, stderr }
  }
}

/** Reads the output of one command line. */
async function untilEnd(stream: Readable | null): Promise<string> {
  if (stream === null) throw new Error('The process has no output.')
  let output = Buffer.alloc(0)
  return new Promise((resolve) => {
    const finish = (): void => {
      stream.removeAllListeners('data').removeAllListeners('close')
      resolve(output.toString().replace(endOfOutput, ''))
    }
    stream.on('data', (chunk: Buffer) => {
      output = Buffer.concat([output, chunk])
      if (output.subarray(-endOfOutput.length).equals(Buffer.from(endOfOutput))) finish()
    })
    stream.on('close', finish)
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
