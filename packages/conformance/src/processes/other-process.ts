import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { HoldfastError, messageOf } from '@holdfast/core/backend'
import type { Place } from '../place.ts'
import type { Tasks } from './tasks.ts'

/** A message that tells the other process to perform one task. */
export type Request = {
  readonly [Task in keyof Tasks]: { readonly task: Task; readonly input: Tasks[Task]['input'] }
}[keyof Tasks]

/** The result of a task, or the text of its error. */
export type Response = { readonly result: unknown } | { readonly error: string }

/** The script with the same extension as this file, so that the suite also runs from its TypeScript sources. */
const script = fileURLToPath(new URL(`child${extname(import.meta.url)}`, import.meta.url))

/**
 * A separate process with an open backend. Options are sent over a channel instead of the command line, because every
 * user of the machine can see command lines and options can be secret.
 */
export class OtherProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  /** Resolves with the whole standard error of the process when it ends. */
  readonly #stderr: Promise<string>

  private constructor() {
    this.#child = fork(script, { execArgv: ['--expose-gc'], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    // 'close' is not used, because Node.js does not emit it for a child that this process disconnected.
    this.#ended = new Promise((resolve) => this.#child.once('exit', resolve).once('error', resolve))
    this.#stderr = this.#child.stderr === null ? Promise.resolve('') : text(this.#child.stderr)
    this.#stderr.catch(() => undefined)
  }

  /** Starts a process. Resolves when its backend is open. */
  static async open(place: Place): Promise<OtherProcess> {
    const other = new OtherProcess()
    try {
      await other.perform('open', place)
      return other
    } catch (error) {
      await other[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Performs a task. Rejects with the error of the other process. Callers must wait for one task before the next. */
  async perform<Task extends keyof Tasks>(
    task: Task,
    input: Tasks[Task]['input'],
  ): Promise<Tasks[Task]['result']> {
    const message = once(this.#child, 'message')
    this.#child.send({ task, input })
    const [response] = (await Promise.race([message, this.#earlyExit()])) as [Response]
    if ('result' in response) return response.result as Tasks[Task]['result']
    throw new HoldfastError('UNAVAILABLE', `The task ${task} failed in another process: ${response.error}`, {
      retryable: false,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.connected) this.#child.disconnect()
    await this.#ended
  }

  async #earlyExit(): Promise<never> {
    await this.#ended
    const stderr = await this.#stderr.catch(messageOf)
    throw new HoldfastError('UNAVAILABLE', `Another process exited before its task was done: ${stderr}`, {
      retryable: false,
    })
  }
}
