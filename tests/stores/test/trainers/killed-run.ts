import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface KilledRun {
  /** The command line of `holdfast run --json`. */
  readonly command: readonly string[]
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly kills: number
  /** Returns numbers from 0 to 1. */
  readonly random: () => number
}

export interface Survived {
  readonly exitCode: number
  readonly kills: number
  /** The steps from which a program continued after a kill, in order. */
  readonly continued: readonly number[]
}

/** Milliseconds that a program lives at most once its first checkpoint is saved. */
const longestLife = 1_000

/**
 * Runs a trainer, and kills it at random again and again: mostly the trainer, sometimes the run above it. Then lets it finish.
 */
export async function surviveKills({ command, cwd, env, kills, random }: KilledRun): Promise<Survived> {
  const [file = '', ...words] = command
  const continued: number[] = []
  let killed = 0
  for (;;) {
    const child = spawn(file, words, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const exit = endOf(child)
    const errors = Array.fromAsync(child.stderr)
    let program: number | undefined
    let isDoomed = false
    const doom = (milliseconds: number): void => {
      if (isDoomed || killed >= kills || program === undefined) return
      isDoomed = true
      const victim = killed % 5 === 4 ? child.pid : program
      setTimeout(() => {
        if (victim !== undefined) killIfRunning(victim)
      }, milliseconds)
      killed += 1
    }
    for await (const line of createInterface(child.stdout)) {
      const event = JSON.parse(line) as Readonly<Record<string, unknown>>
      if (event['type'] === 'started') {
        program = Number(event['pid'])
        isDoomed = false
        // Some die before they have trained at all.
        if (killed % 4 === 3) doom(random() * longestLife)
      }
      if (event['type'] === 'adopted') doom(random() * longestLife)
      if (['restarting', 'inPlace', 'restored'].includes(String(event['type'])))
        continued.push(Number(event['step']))
    }
    const code = await exit
    if (code === undefined) continue
    if (killed < kills || code !== 0)
      throw new Error(
        `The run ended with ${String(code)} after ${killed} kills: ${Buffer.concat(await errors).toString()}`,
      )
    return { exitCode: code, kills: killed, continued }
  }
}

/** Resolves with the exit code; `undefined` if a signal ended the process. */
async function endOf(child: ChildProcess): Promise<number | undefined> {
  return new Promise((resolve) => {
    child.once('exit', (code) => {
      resolve(code ?? undefined)
    })
  })
}

function killIfRunning(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
