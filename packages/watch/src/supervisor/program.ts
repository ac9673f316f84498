import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { HoldfastError } from '@holdfast/core'
import { fromNodeError } from '@holdfast/core/backend'
import { isGone } from '../folder/find-candidates.ts'
import type { Ending } from './endings.ts'
import type { HandledSignal } from './decide-on-signal.ts'
import { endGroup, signalGroup, signalProcess } from './process-group.ts'

export interface ProgramOptions {
  /** Whether the program's standard output becomes standard error, so that standard output carries nothing else. */
  readonly outputToStderr?: boolean | undefined
  readonly env?: NodeJS.ProcessEnv | undefined
  /** Default: the platform of this process. */
  readonly platform?: NodeJS.Platform | undefined
}

/** A running program, in a process group of its own. On Windows there are no groups, so it is signalled alone. */
export class Program {
  readonly pid: number
  /** Resolves when the program itself has ended. Others of its group may still run. */
  readonly ended: Promise<Ending>
  /** Milliseconds from the start to the end. Resolves with `ended`. */
  readonly lasted: Promise<number>
  readonly #child: ChildProcess
  readonly #hasGroup: boolean
  #hasEnded = false

  private constructor(child: ChildProcess, pid: number, hasGroup: boolean) {
    this.pid = pid
    this.#child = child
    this.#hasGroup = hasGroup
    const began = performance.now()
    // `kill` returns false for a signal that may not be sent, and also emits an error:
    // https://nodejs.org/api/child_process.html#subprocesskillsignal
    child.on('error', () => undefined)
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#hasEnded = true
        resolve(signal === null ? { kind: 'exited', code: code ?? 1 } : { kind: 'signalled', signal })
      })
    })
    this.lasted = this.ended.then(() => performance.now() - began)
  }

  /** Rejects with `INVALID_ARGUMENT` if there is no such program, and with `PERMISSION_DENIED` if it may not be run. */
  static async start(command: readonly string[], options: ProgramOptions = {}): Promise<Program> {
    const [file = '', ...words] = command
    const hasGroup = (options.platform ?? process.platform) !== 'win32'
    try {
      const child = spawn(file, words, {
        detached: hasGroup,
        stdio: ['inherit', options.outputToStderr === true ? process.stderr : 'inherit', 'inherit'],
        env: options.env ?? process.env,
      })
      const { pid } = child
      if (pid !== undefined) return new Program(child, pid, hasGroup)
      // Node.js throws some errors, and emits the others.
      const [error] = (await once(child, 'error')) as readonly unknown[]
      throw error
    } catch (error) {
      throw cannotStart(file, error)
    }
  }

  /** Whether the program itself has ended. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /**
   * Passes a signal on. SIGINT goes to the whole group, as from a terminal. Other signals go to the program alone, because
   * they end processes that do not expect them, such as the workers of a data loader. Returns whether the signal was sent.
   * It cannot be sent to a program that runs as another user, for example under `sudo`.
   */
  forward(signal: HandledSignal): boolean {
    if (signal === 'SIGINT' && this.#hasGroup) return signalGroup(this.pid, signal)
    if (this.#hasEnded) return false
    return this.#hasGroup ? signalProcess(this.pid, signal) : this.#child.kill(signal)
  }

  /** Kills the program and everything that it started in its group. Returns as `forward` does. */
  kill(): boolean {
    return this.#hasGroup ? signalGroup(this.pid, 'SIGKILL') : this.#child.kill('SIGKILL')
  }

  /** Ends the whole group, with SIGKILL after `limit` milliseconds. */
  async endGroup(limit: number): Promise<void> {
    if (this.#hasGroup) await endGroup(this.pid, limit)
    else if (!this.#hasEnded) this.#child.kill()
  }
}

function cannotStart(file: string, error: unknown): HoldfastError {
  if (!isGone(error)) return fromNodeError(error, `starting ${file}`)
  return new HoldfastError('INVALID_ARGUMENT', `There is no program ${file}. Check its name and the PATH.`)
}
