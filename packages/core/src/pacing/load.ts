import { readFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'

/** What the processors did during some time. */
export interface Load {
  /** How many of the processors that this process may use were idle, as a mean. `Infinity` if the system does not tell. */
  readonly idleProcessors: number
  /** The part of the time in which the event loop of this process had work, from 0 to 1. */
  readonly eventLoop: number
}

/** Begins to measure the load. The returned function returns the load since then. */
export type MeasureLoad = () => Promise<() => Promise<Load>>

/** What all processors did since the machine started, in any unit. */
export interface ProcessorTimes {
  readonly idle: number
  readonly whole: number
  readonly processors: number
}

/** Measures the load of this machine. */
export const measureLoad: MeasureLoad = async () => {
  const idle = await measureIdle()
  const eventLoop = performance.eventLoopUtilization()
  return async () => ({
    idleProcessors: await idle(),
    eventLoop: performance.eventLoopUtilization(eventLoop).utilization,
  })
}

/**
 * A process in a container may use fewer processors than the machine has. Then the work of its control group counts, and not that
 * of the machine: https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
 */
async function measureIdle(): Promise<() => Promise<number>> {
  const before = await processorTimes()
  const available = availableParallelism()
  if (before.processors <= available) return async () => idleProcessors(before, await processorTimes())
  const [usedBefore, since] = [await groupTime(), performance.now()]
  return async () => {
    const used = await groupTime()
    if (used === undefined || usedBefore === undefined) return Infinity
    return available - (used - usedBefore) / (performance.now() - since)
  }
}

/** Returns how many processors were idle between two looks, as a mean. */
export function idleProcessors(before: ProcessorTimes, after: ProcessorTimes): number {
  const whole = after.whole - before.whole
  return whole > 0 ? ((after.idle - before.idle) / whole) * after.processors : Infinity
}

/** On Linux, `os.cpus()` also reads the frequency of each processor, which takes milliseconds on a large machine. */
async function processorTimes(): Promise<ProcessorTimes> {
  if (process.platform === 'linux') {
    const text = await contentOf('/proc/stat')
    if (text !== undefined) return timesIn(text)
  }
  const all = cpus().map(({ times }) => times)
  return {
    idle: all.reduce((sum, { idle }) => sum + idle, 0),
    whole: all.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0),
    processors: all.length,
  }
}

/**
 * Reads the text of `/proc/stat`: the times of all processors for user, nice, system, idle, iowait, irq, softirq and steal. A
 * processor that waits for a disk is idle. See https://man7.org/linux/man-pages/man5/proc_stat.5.html
 */
export function timesIn(text: string): ProcessorTimes {
  const [, all = ''] = /^cpu +(.*)$/m.exec(text) ?? []
  const times = all.split(' ').slice(0, 8).map(Number)
  const [, , , idle = 0, iowait = 0] = times
  return {
    idle: idle + iowait,
    whole: times.reduce((sum, time) => sum + time, 0),
    processors: text.match(/^cpu\d/gm)?.length ?? 0,
  }
}

/** Returns the processor time of the control group of this process in milliseconds; `undefined` if the system does not tell. */
async function groupTime(): Promise<number | undefined> {
  const [, group] = /^0::(.*)$/m.exec((await contentOf('/proc/self/cgroup')) ?? '') ?? []
  if (group === undefined) return undefined
  const [, used] =
    /^usage_usec (\d+)$/m.exec((await contentOf(join('/sys/fs/cgroup', group, 'cpu.stat'))) ?? '') ?? []
  return used === undefined ? undefined : Number(used) / 1000
}

/** Returns the text of a file of the system; `undefined` if it cannot be read, as in some containers. */
async function contentOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return undefined
  }
}
