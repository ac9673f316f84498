import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { HoldfastError, messageOf } from '@holdfast/core/backend'
import type { Place } from '../place.ts'
import type { Tasks } from './tasks.ts'

/** One task on its way to the other process. */
export type Request = {
  readonly [Task in keyof Tasks]: { readonly task: Task; readonly asked: Tasks[Task]['asked'] }
}[keyof Tasks]

export type Answer = { readonly done: unknown } | { readonly failed: string }

/** Beside this file, and in the same language: from its sources the suite runs without a build. */
const script = fileURLToPath(new URL(`child${extname(import.meta.url)}`, import.meta.url))

/**
 * A process of its own that has a backend open. What it is told goes over a channel and not on its command line,
 * where options that are secret could be seen.
 */
export class OtherProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  /** All that it writes to standard error. */
  readonly #complaints: Promise<string>

  private constructor() {
    this.#child = fork(script, { execArgv: ['--expose-gc'], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    // Not 'close', which Node.js does not tell of a child that was disconnected from here.
    this.#ended = new Promise((resolve) => this.#child.once('exit', resolve).once('error', resolve))
    this.#complaints = this.#child.stderr === null ? Promise.resolve('') : text(this.#child.stderr)
    this.#complaints.catch(() => undefined)
  }

  /** Resolves when the backend is open. */
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

  /** Rejects with what went wrong there. One task at a time. */
  async perform<Task extends keyof Tasks>(
    task: Task,
    asked: Tasks[Task]['asked'],
  ): Promise<Tasks[Task]['answer']> {
    const answered = once(this.#child, 'message')
    this.#child.send({ task, asked })
    const [answer] = (await Promise.race([answered, this.#death()])) as [Answer]
    if ('done' in answer) return answer.done as Tasks[Task]['answer']
    throw new HoldfastError('UNAVAILABLE', `Another process failed: ${answer.failed}`, { retryable: false })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.connected) this.#child.disconnect()
    await this.#ended
  }

  async #death(): Promise<never> {
    await this.#ended
    const why = await this.#complaints.catch(messageOf)
    throw new HoldfastError('UNAVAILABLE', `Another process ended early: ${why}`, { retryable: false })
  }
}
