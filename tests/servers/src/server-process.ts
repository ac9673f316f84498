import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import * as http from 'node:http'
import * as https from 'node:https'
import { setTimeout } from 'node:timers/promises'
import type { Command, Health } from './definition.ts'
import { lastLines } from './run.ts'

/** Milliseconds within which a server must be ready. It is long because the machine may be busy. */
const maxStartTime = 600_000
/** Milliseconds within which a server must write its data and exit. */
const maxStopTime = 60_000
/** Milliseconds between two checks whether the server is ready. */
const pause = 50

export interface StartOptions {
  readonly name: string
  readonly command: Command
  readonly environment: NodeJS.ProcessEnv
  readonly port: number
  readonly health: Health
  /** The path of the authority to trust, if the server speaks TLS. */
  readonly authority?: string | undefined
  /** The path of the file for the output of the server. */
  readonly log: string
  /** Milliseconds within which the server must be ready. */
  readonly deadline?: number
}

/** The error of a server that exited before it was ready. */
export class EarlyExitError extends Error {}

/** A server that runs as a child of this process. */
export class ServerProcess {
  readonly #name: string
  readonly #child: ChildProcess
  /** Resolves when the process has ended, with a description such as `exited with 1`. */
  readonly #ended: Promise<string>

  private constructor(name: string, child: ChildProcess) {
    this.#name = name
    this.#child = child
    this.#ended = once(child, 'close').then(
      () => `exited with ${child.signalCode ?? child.exitCode ?? 'no status'}`,
      (error: unknown) => `could not be run (${error instanceof Error ? error.message : String(error)})`,
    )
    process.once('exit', this.#terminate)
  }

  /**
   * Starts a server. Resolves when it is ready. Rejects with the end of its log if it exits before that
   * ({@link EarlyExitError}) or is not ready in time.
   */
  static async start(options: StartOptions): Promise<ServerProcess> {
    const { name, command, environment, log, deadline = maxStartTime } = options
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
        error.message += `. Its log ends with:\n${lastLines(await readFile(log, 'utf8'))}`
      throw error
    }
  }

  /** Sends SIGTERM and waits until the process has ended. Never sends SIGKILL, because Azurite would lose data. */
  async stop(): Promise<void> {
    process.off('exit', this.#terminate)
    this.#terminate()
    const late = AbortSignal.timeout(maxStopTime)
    const ended = await Promise.race([this.#ended.then(() => true), once(late, 'abort').then(() => false)])
    if (!ended)
      throw new Error(
        `${this.#name} did not exit within ${maxStopTime} ms after SIGTERM. Kill process ${this.#child.pid ?? '?'}.`,
      )
  }

  readonly #terminate = (): void => {
    this.#child.kill('SIGTERM')
  }

  async #untilReady({ port, health, authority }: StartOptions, deadline: AbortSignal): Promise<void> {
    const url = `${authority === undefined ? 'http' : 'https'}://127.0.0.1:${port}${health.path}`
    const ca = authority === undefined ? undefined : await readFile(authority)
    const ended = new AbortController()
    void this.#ended.then((how) => {
      ended.abort(how)
    })
    try {
      await untilStatus(url, health.status, { ca, signal: AbortSignal.any([ended.signal, deadline]) })
    } catch (error) {
      if (ended.signal.aborted)
        throw new EarlyExitError(`${this.#name} ${await this.#ended} before it was ready`)
      throw new Error(`${this.#name} was not ready in time: ${url} did not return status ${health.status}`, {
        cause: error,
      })
    }
  }
}

interface HealthRequest {
  readonly ca: Buffer | undefined
  readonly signal: AbortSignal
}

async function untilStatus(url: string, status: number, request: HealthRequest): Promise<void> {
  const { signal } = request
  while ((await statusOf(url, request)) !== status) await setTimeout(pause, undefined, { signal })
}

/** Returns the status code of a response, or `undefined` if there is none yet. */
async function statusOf(url: string, { ca, signal }: HealthRequest): Promise<number | undefined> {
  try {
    const request = ca === undefined ? http.get(url, { signal }) : https.get(url, { ca, signal })
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    response.resume()
    await once(response, 'close')
    return response.statusCode
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}
