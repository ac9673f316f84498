import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import type { Command, Health } from './definition.ts'
import { lastLines } from './run.ts'

/** Milliseconds that a server may take to answer, on a machine that is busy with other things. */
const longestStart = 120_000
/** Milliseconds that a server may take to write down what it holds and end. */
const longestStop = 60_000
/** Milliseconds between two questions whether it is ready. */
const pause = 50

export interface StartOptions {
  readonly name: string
  readonly command: Command
  readonly environment: NodeJS.ProcessEnv
  readonly port: number
  readonly health: Health
  /** A file for all that it prints. */
  readonly log: string
  /** Milliseconds. */
  readonly deadline?: number
}

/** The server ended by itself before it was ready. */
export class EndedEarlyError extends Error {}

/** A server that this process started, and ends. */
export class ServerProcess {
  readonly #name: string
  readonly #child: ChildProcess
  /** Tells how. */
  readonly #ended: Promise<string>

  private constructor(name: string, child: ChildProcess) {
    this.#name = name
    this.#child = child
    this.#ended = once(child, 'close').then(
      () => `ended with ${child.signalCode ?? child.exitCode ?? 'no status'}`,
      (error: unknown) => `could not be run (${error instanceof Error ? error.message : String(error)})`,
    )
    process.once('exit', this.#terminate)
  }

  /**
   * Resolves once the server is ready. Rejects with the end of its log if it ends before that
   * ({@link EndedEarlyError}), or is not ready in time.
   */
  static async start(options: StartOptions): Promise<ServerProcess> {
    const { name, command, environment, log, deadline = longestStart } = options
    const output = await open(log, 'w')
    const child = spawn(command.file, command.args, {
      env: { ...environment, ...command.environment },
      stdio: ['ignore', output.fd, output.fd],
    })
    const server = new ServerProcess(name, child)
    await output.close()
    try {
      await server.#untilReady(options, AbortSignal.timeout(deadline))
      return server
    } catch (error) {
      await server.stop()
      if (error instanceof Error)
        error.message += `. The end of its log:\n${lastLines(await readFile(log, 'utf8'))}`
      throw error
    }
  }

  /** SIGTERM, and waits for the end: never SIGKILL, which loses what Azurite has not written yet. */
  async stop(): Promise<void> {
    process.off('exit', this.#terminate)
    this.#terminate()
    const late = AbortSignal.timeout(longestStop)
    const ended = await Promise.race([this.#ended.then(() => true), once(late, 'abort').then(() => false)])
    if (!ended) throw new Error(`${this.#name} (process ${this.#child.pid ?? '?'}) does not end on SIGTERM.`)
  }

  readonly #terminate = (): void => {
    this.#child.kill('SIGTERM')
  }

  async #untilReady({ port, health }: StartOptions, deadline: AbortSignal): Promise<void> {
    const url = `http://127.0.0.1:${port}${health.path}`
    const ended = new AbortController()
    void this.#ended.then((how) => {
      ended.abort(how)
    })
    try {
      await untilItAnswers(url, health.status, AbortSignal.any([ended.signal, deadline]))
    } catch (error) {
      if (ended.signal.aborted)
        throw new EndedEarlyError(`${this.#name} ${await this.#ended} before it was ready`)
      throw new Error(`${this.#name} was not ready in time at ${url}`, { cause: error })
    }
  }
}

async function untilItAnswers(url: string, status: number, signal: AbortSignal): Promise<void> {
  while (!(await answers(url, status, signal))) await setTimeout(pause, undefined, { signal })
}

async function answers(url: string, status: number, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(url, { signal })
    await response.body?.cancel()
    return response.status === status
  } catch {
    signal.throwIfAborted()
    return false
  }
}
