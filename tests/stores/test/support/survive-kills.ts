import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { onTestFinished } from 'vitest'
import { killGroup } from './process-group.ts'

export interface KilledRunOptions {
  /** The command line of `holdfast run --json`. Its trainer does not end by itself. */
  readonly command: readonly string[]
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly kills: number
  /** Returns numbers from 0 to 1. */
  readonly random: () => number
}

/** Milliseconds that a trainer lives at most once its first checkpoint is saved. */
const longestLife = 1_000

/**
 * Runs a trainer, and kills it at random: mostly the trainer, sometimes the run above it. When this number of kills has hit and
 * another checkpoint is saved, ends the run in order.
 */
export async function surviveKills(options: KilledRunOptions): Promise<void> {
  const run = new KilledRun(options)
  onTestFinished(() => {
    run.kill()
  })
  let isOver = false
  while (!isOver) isOver = await run.start()
}

class KilledRun {
  readonly #options: KilledRunOptions
  #supervisor: ChildProcess | undefined
  /** The process group of the trainer. It may run on when its supervisor is killed. */
  #trainer: number | undefined
  /** The kills that have hit. */
  #kills = 0
  #doom: NodeJS.Timeout | undefined

  constructor(options: KilledRunOptions) {
    this.#options = options
  }

  /** Starts the run once. Resolves with whether it has ended in order, rather than by a kill. */
  async start(): Promise<boolean> {
    const { command, cwd, env } = this.#options
    const [file = '', ...words] = command
    const child = spawn(file, words, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#supervisor = child
    const exited = once(child, 'exit')
    let errors = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
    let isStopping = false
    for await (const { type, pid, ending } of eventsOf(child.stdout)) {
      if (type === 'started') {
        this.#endDoom()
        this.#trainer = pid
        // Some die before they have trained at all.
        if (this.#kills % 4 === 3) this.#killSoon()
      } else if (type === 'adopted' && this.#trainer !== undefined) {
        if (this.#isKilledEnough()) isStopping ||= child.kill('SIGTERM')
        else this.#killSoon()
      } else if (type === 'ended') {
        this.#trainer = undefined
        const wasDoomed = this.#endDoom()
        if (wasDoomed && ending?.signal === 'SIGKILL') this.#kills += 1
      }
    }
    const [code, signal] = (await exited) as [number | null, NodeJS.Signals | null]
    const wasDoomed = this.#endDoom()
    if (wasDoomed && signal === 'SIGKILL') {
      this.#kills += 1
      return false
    }
    if (isStopping && code !== null) return true
    throw new Error(`The run ended with ${String(code ?? signal)} after ${this.#kills} kills: ${errors}`)
  }

  kill(): void {
    this.#endDoom()
    this.#supervisor?.kill('SIGKILL')
    if (this.#trainer !== undefined) killGroup(this.#trainer)
  }

  #isKilledEnough(): boolean {
    return this.#kills >= this.#options.kills
  }

  /** Kills the trainer or its supervisor after a random time, unless that is planned already. */
  #killSoon(): void {
    if (this.#isKilledEnough()) return
    this.#doom ??= setTimeout(() => {
      if (this.#kills % 5 === 4) this.#supervisor?.kill('SIGKILL')
      else if (this.#trainer !== undefined) killGroup(this.#trainer)
    }, this.#options.random() * longestLife)
  }

  /** Returns whether a kill was planned. */
  #endDoom(): boolean {
    const wasDoomed = this.#doom !== undefined
    clearTimeout(this.#doom)
    this.#doom = undefined
    return wasDoomed
  }
}

/** The members of the events of `holdfast run --json` that matter here. */
interface Event {
  readonly type: string
  readonly pid?: number
  readonly ending?: { readonly signal?: string }
}

/** Yields the events that a run prints. A killed process may leave a last line without its end, which is omitted. */
async function* eventsOf(output: Readable): AsyncGenerator<Event> {
  let rest = ''
  for await (const text of output.setEncoding('utf8')) {
    const lines = `${rest}${String(text)}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield JSON.parse(line) as Event
  }
}
