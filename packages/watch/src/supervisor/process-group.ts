import { readdir, readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { nodeErrorCode } from '@holdfast/core/backend'

/** Milliseconds between two looks at a group. */
const firstInterval = 10
const longestInterval = 250
/** After SIGKILL only processes are left that wait for a device. */
const killLimit = 2_000

/** Ends a group of processes by SIGTERM, and what is left of it after `limit` milliseconds by SIGKILL. */
export async function endGroup(group: number, limit: number): Promise<void> {
  if (!signalGroup(group, 'SIGTERM')) return
  if (await isGoneWithin(group, limit)) return
  signalGroup(group, 'SIGKILL')
  await isGoneWithin(group, killLimit)
}

/** Returns whether the group has a process that may be signalled. It may be one that was killed already. */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  return signalProcess(-group, signal)
}

/** Returns whether there is such a process, and this user may signal it. */
export function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if (['ESRCH', 'EPERM'].includes(nodeErrorCode(error) ?? '')) return false
    throw error
  }
}

async function isGoneWithin(group: number, limit: number): Promise<boolean> {
  const end = performance.now() + limit
  for (
    let interval = firstInterval;
    await isRunning(group);
    interval = Math.min(longestInterval, 2 * interval)
  ) {
    const left = end - performance.now()
    if (left <= 0) return false
    await setTimeout(Math.min(interval, left))
  }
  return true
}

/**
 * Processes that were killed stay in their group until their parent waits for them. The first process of a container may
 * never do so, and they write nothing any more.
 */
async function isRunning(group: number): Promise<boolean> {
  if (!signalGroup(group, 0)) return false
  const pids = await ifReadable(() => readdir('/proc'))
  if (pids === undefined) return true // Only Linux has `/proc`.
  let isListed = false
  for (const pid of pids.filter((name) => /^\d+$/.test(name))) {
    const line = await ifReadable(() => readFile(`/proc/${pid}/stat`, 'utf8'))
    // See proc(5). The second field is a name in parentheses that may contain any characters.
    const [state = '', , processGroup] = line?.slice(line.lastIndexOf(')') + 2).split(' ') ?? []
    if (Number(processGroup) !== group) continue
    isListed = true
    if (!['Z', 'X'].includes(state)) return true
  }
  return !isListed && signalGroup(group, 0)
}

async function ifReadable<Value>(read: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await read()
  } catch (error) {
    if (nodeErrorCode(error) !== undefined) return undefined
    throw error
  }
}
