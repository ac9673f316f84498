import { readdir, readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { livenessOf, nodeErrorCode, type ProcessIdentity } from '@holdfast/core/backend'
import { systemClock } from '../clock.ts'

/** Milliseconds between two looks at a group. */
const firstInterval = 10
const longestInterval = 250
/** After SIGKILL only processes are left that wait for a device. */
const killLimit = 2_000

/**
 * Ends a group of processes by SIGTERM, and what is left of it after `limit` milliseconds by SIGKILL. Returns whether the
 * group is gone. It stays if this user may not signal it, or if a process in it waits for a device.
 */
export async function endGroup(group: number, limit: number): Promise<boolean> {
  if (!signalGroup(group, 'SIGTERM')) return !(await isRunning(group))
  if (await isGoneWithin(group, limit)) return true
  signalGroup(group, 'SIGKILL')
  return isGoneWithin(group, killLimit)
}

/** Resolves when the group is gone, or when the signal fires. */
export async function untilGone(group: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await isRunning(group))) await systemClock.wait(longestInterval, signal)
}

/** Returns whether the group has a process that may be signalled. It may be one that was killed already. */
export function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  return signalProcess(-group, signal)
}

/** Returns whether there is such a process, and this user may signal it. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  return send(pid, signal) === 'sent'
}

/**
 * Returns whether a program runs that was the first process of a group of its own, or another process of that group. The group keeps
 * its number as long as it has a process. Only Linux shows processes whose first one has ended.
 */
export async function isProgramRunning(program: ProcessIdentity): Promise<boolean> {
  const liveness = await livenessOf(program)
  if (liveness !== 'ended') return liveness === 'running'
  const members = (await membersOf(program.pid)) ?? []
  const isReused = members.some(
    ({ pid, startedAt }) => pid === program.pid && startedAt !== program.startedAt,
  )
  return !isReused && members.some(({ isDead, session }) => !isDead && session === program.pid)
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
 * never do so, and they write nothing any more. `/proc` may hide the processes of other users.
 */
async function isRunning(group: number): Promise<boolean> {
  if (!exists(group)) return false
  const members = await membersOf(group)
  if (members === undefined || members.length === 0) return exists(group)
  return members.some(({ isDead }) => !isDead)
}

/** A group with processes of another user only exists, too. */
function exists(group: number): boolean {
  return send(-group, 0) !== 'missing'
}

function send(pid: number, signal: NodeJS.Signals | 0): 'sent' | 'refused' | 'missing' {
  try {
    process.kill(pid, signal)
    return 'sent'
  } catch (error) {
    const code = nodeErrorCode(error)
    if (code === 'EPERM') return 'refused'
    if (code === 'ESRCH') return 'missing'
    throw error
  }
}

interface Member {
  readonly pid: number
  readonly session: number
  /** In clock ticks after the boot. */
  readonly startedAt: number
  /** It was killed, and its parent has not waited for it. */
  readonly isDead: boolean
}

/** Returns the visible processes of a group; `undefined` without `/proc`, which only Linux has. */
async function membersOf(group: number): Promise<readonly Member[] | undefined> {
  const pids = await ifReadable(() => readdir('/proc'))
  if (pids === undefined) return undefined
  const members: Member[] = []
  for (const pid of pids.filter((name) => /^\d+$/.test(name))) {
    const line = await ifReadable(() => readFile(`/proc/${pid}/stat`, 'utf8'))
    // See proc(5). The second field is a name in parentheses that may contain any characters.
    const fields = line?.slice(line.lastIndexOf(')') + 2).split(' ') ?? []
    const [state = '', , processGroup, session] = fields
    if (Number(processGroup) !== group) continue
    members.push({
      pid: Number(pid),
      session: Number(session),
      startedAt: Number(fields[19]),
      isDead: ['Z', 'X'].includes(state),
    })
  }
  return members
}

async function ifReadable<Value>(read: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await read()
  } catch (error) {
    if (nodeErrorCode(error) !== undefined) return undefined
    throw error
  }
}
