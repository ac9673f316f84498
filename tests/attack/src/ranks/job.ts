import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodeArguments, isMessage, type Message, type RankArguments } from './messages.ts'

/** One process of a rank. */
export class RankProcess {
  readonly rank: number
  readonly generation: number
  /** The code of the error with which it ended by itself. */
  ended: string | undefined
  /** Resolves once it has restored, or has ended. */
  readonly resumed: Promise<void>
  /** Resolves once one of its saves is acknowledged, or it has ended. */
  readonly saved: Promise<void>
  readonly exited: Promise<void>
  readonly #child: ChildProcess

  constructor(
    given: RankArguments,
    env: Readonly<Record<string, string>>,
    hear: (process: RankProcess, message: Message) => void,
  ) {
    this.rank = given.rank
    this.generation = given.generation
    const program = fileURLToPath(new URL('rank.ts', import.meta.url))
    this.#child = fork(program, [encodeArguments(given)], {
      env: { ...process.env, ...env, NODE_COMPILE_CACHE: join(given.folder, 'compiled') },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    let resolve: () => void = () => undefined
    this.resumed = new Promise((settle) => {
      resolve = settle
    })
    let resolveSaved: () => void = () => undefined
    this.saved = new Promise((settle) => {
      resolveSaved = settle
    })
    this.#child.on('message', (message) => {
      if (!isMessage(message)) return
      if (message.kind === 'ended') this.ended = message.code
      hear(this, message)
      if (message.kind === 'restored' || message.kind === 'ended') resolve()
      if (message.kind === 'saved' || message.kind === 'ended') resolveSaved()
    })
    this.exited = new Promise((exit) => {
      this.#child.on('exit', (code) => {
        if (code !== null && code !== 0)
          hear(this, { kind: 'broken', what: `rank ${this.rank} ended with code ${code}` })
        resolve()
        resolveSaved()
        exit()
      })
    })
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Sends a signal. Returns whether the process was running. */
  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): boolean {
    return this.isRunning && this.#child.kill(name)
  }
}
