import { createHash } from 'node:crypto'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { nodeErrorCode } from '../node-errors.ts'

/** Identifies one process across machines and containers. */
export interface ProcessIdentity {
  /**
   * 16 hexadecimal digits that identify one boot of one machine and one pid namespace on it. A process id is unique
   * only within these. Containers may share a host name.
   */
  readonly machine: string
  readonly pid: number
  /** Start time in clock ticks after the boot, to detect a reused process id. 0 if unknown. */
  readonly startedAt: number
}

/** What this process knows about another process. Processes in other pid namespaces are unknown. */
export type Liveness = 'running' | 'ended' | 'unknown'

interface OwnIdentity extends ProcessIdentity {
  /** Whether `machine` and `startedAt` come from the kernel, so that no other process can have the same identity. */
  readonly isProven: boolean
}

let own: Promise<OwnIdentity> | undefined

/** Returns the identity of this process. */
export async function thisProcess(): Promise<ProcessIdentity> {
  own ??= identifyThisProcess()
  const { machine, pid, startedAt } = await own
  return { machine, pid, startedAt }
}

/**
 * Returns the identity of this process if the kernel proves it. Only then may other processes of this machine delete what
 * this process leaves when it has ended. A host name proves nothing, because containers may share it.
 */
export async function provenProcess(): Promise<ProcessIdentity | undefined> {
  const identity = await thisProcess()
  return (await own)?.isProven === true ? identity : undefined
}

/** Returns the identity of another process of this pid namespace. */
export async function processAt(pid: number): Promise<ProcessIdentity> {
  const { machine, startedAt } = await thisProcess()
  // If this process cannot see its own start time, `/proc` does not describe this pid namespace.
  const seen = startedAt === 0 ? undefined : await lookAt(String(pid))
  return { machine, pid, startedAt: seen?.startedAt ?? 0 }
}

/** Returns whether a process still runs, as far as this process can see that. */
export async function livenessOf({ machine, pid, startedAt }: ProcessIdentity): Promise<Liveness> {
  const self = await thisProcess()
  if (machine !== self.machine) return 'unknown'
  if (!exists(pid)) return 'ended'
  if (startedAt === 0) return 'running'
  const now = await lookAt(String(pid))
  if (now === undefined) return 'running' // /proc may hide the processes of other users
  return now.startedAt === startedAt && !now.isZombie ? 'running' : 'ended'
}

async function identifyThisProcess(): Promise<OwnIdentity> {
  const boot = await ifReadable(() => readFile('/proc/sys/kernel/random/boot_id', 'utf8'))
  const namespace = await ifReadable(() => readlink('/proc/self/ns/pid'))
  // `/proc` may belong to another pid namespace. Its numbers then differ from `process.pid`.
  const seenAs = await ifReadable(() => readlink('/proc/self'))
  const seen = seenAs === String(process.pid) ? await lookAt('self') : undefined
  const machine = createHash('sha256')
    .update(`${boot ?? hostname()}\n${namespace ?? ''}`)
    .digest('hex')
    .slice(0, 16)
  const startedAt = seen?.startedAt ?? 0
  const isProven = boot !== undefined && namespace !== undefined && startedAt > 0
  return { machine, pid: process.pid, startedAt, isProven }
}

interface SeenProcess {
  readonly startedAt: number
  /** The process was killed, and its parent has not waited for it. */
  readonly isZombie: boolean
}

/** See proc(5), `/proc/pid/stat`. The second field is a name in parentheses that may contain any characters. */
async function lookAt(pid: string): Promise<SeenProcess | undefined> {
  const line = await ifReadable(() => readFile(`/proc/${pid}/stat`, 'utf8'))
  const fields = line?.slice(line.lastIndexOf(')') + 2).split(' ')
  const startedAt = Number(fields?.[19])
  return Number.isSafeInteger(startedAt) && startedAt > 0
    ? { startedAt, isZombie: fields?.[0] === 'Z' || fields?.[0] === 'X' }
    : undefined
}

/** Only Linux has `/proc`. */
async function ifReadable(read: () => Promise<string>): Promise<string | undefined> {
  try {
    return await read()
  } catch (error) {
    if (nodeErrorCode(error) !== undefined) return undefined
    throw error
  }
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return nodeErrorCode(error) === 'EPERM'
  }
}
