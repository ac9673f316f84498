import { readlink, symlink, unlink } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { failedWith, isAlive } from './system.ts'

/** Milliseconds between two looks at a lock that another process holds. */
const pause = 200

/**
 * Runs one piece of work at a time among the processes of this machine. The lock is a symbolic link to the number
 * of its process: made in one step, and seen to be stale when that process is gone. Two that take over a stale
 * lock at once may both work, so the work itself must bear it.
 */
export async function withLock<T>(path: string, deadline: AbortSignal, work: () => Promise<T>): Promise<T> {
  while (!(await take(path))) {
    const holder = await unlessMissing(readlink(path))
    if (holder === undefined) continue
    if (isAlive(Number(holder))) await waitABit(path, deadline)
    else await unlessMissing(unlink(path))
  }
  try {
    return await work()
  } finally {
    await unlessMissing(unlink(path))
  }
}

async function take(path: string): Promise<boolean> {
  try {
    await symlink(String(process.pid), path)
    return true
  } catch (error) {
    if (failedWith(error, 'EEXIST')) return false
    throw error
  }
}

async function waitABit(path: string, deadline: AbortSignal): Promise<void> {
  try {
    await setTimeout(pause, undefined, { signal: deadline })
  } catch (error) {
    throw new Error(`Another process has held ${path} for too long. If none is at work, delete it.`, {
      cause: error,
    })
  }
}

async function unlessMissing<T>(operation: Promise<T>): Promise<T | undefined> {
  try {
    return await operation
  } catch (error) {
    if (failedWith(error, 'ENOENT')) return undefined
    throw error
  }
}
