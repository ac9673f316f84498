import { readlink, symlink, unlink } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { failedWith, isAlive } from './system.ts'

/** Milliseconds between two checks of a lock that another process holds. */
const pause = 200

/**
 * Runs `work` while no other process of this machine holds the lock. The lock is a symbolic link whose target is a
 * process id. A link is created atomically, and is stale if its process no longer exists. If two processes take over a
 * stale lock at once, both may run, so `work` must tolerate that.
 */
export async function withLock<T>(path: string, deadline: AbortSignal, work: () => Promise<T>): Promise<T> {
  while (!(await take(path))) {
    const holder = await undefinedIfMissing(readlink(path))
    if (holder === undefined) continue
    if (isAlive(Number(holder))) await waitForLock(path, deadline)
    else await undefinedIfMissing(unlink(path))
  }
  try {
    return await work()
  } finally {
    await undefinedIfMissing(unlink(path))
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

async function waitForLock(path: string, deadline: AbortSignal): Promise<void> {
  try {
    await setTimeout(pause, undefined, { signal: deadline })
  } catch (error) {
    throw new Error(
      `The lock ${path} cannot be taken, because another process has held it for too long. If no tests are running, delete the lock.`,
      {
        cause: error,
      },
    )
  }
}

async function undefinedIfMissing<T>(operation: Promise<T>): Promise<T | undefined> {
  try {
    return await operation
  } catch (error) {
    if (failedWith(error, 'ENOENT')) return undefined
    throw error
  }
}
