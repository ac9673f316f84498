import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import { onTestFinished } from 'vitest'

/** Milliseconds that a program has to end its children when the test is over. Some of them have sessions of their own. */
const timeToEnd = 60_000

/** Starts a program in a process group of its own. If the test ends first, the program is interrupted and then killed. */
export function startInGroup(file: string, words: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(file, words, { ...options, detached: true })
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => {
      resolve()
    })
    child.once('exit', () => {
      killGroup(child.pid) // children that the program has left behind
      resolve()
    })
  })
  onTestFinished(async () => {
    if (!child.kill('SIGINT')) return
    await Promise.race([ended, setTimeout(timeToEnd, undefined, { ref: false })])
    if (child.kill(0)) killGroup(child.pid)
    await ended
  })
  return child
}

/** Kills a group of processes, and returns whether it had any. macOS refuses a signal to processes that have ended. */
export function killGroup(leader: number | undefined): boolean {
  // 0 is the group of this process, and -1 are all processes.
  if (leader === undefined || leader <= 1)
    throw new Error(`A test must not kill the group ${String(leader)}.`)
  try {
    return process.kill(-leader, 'SIGKILL')
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['ESRCH', 'EPERM'].includes(String(error.code)))
      return false
    throw error
  }
}
