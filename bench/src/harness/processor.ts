import { readFile } from 'node:fs/promises'

/** Milliseconds of a tick of the accounts in /proc: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html. */
const millisecondsPerTick = 10

/**
 * Returns the processor time in milliseconds, user and system, that this process and its ended children have used. Children
 * that still run, such as servers, do not count. Returns `undefined` where there is no `/proc`.
 */
export async function processorTime(): Promise<number | undefined> {
  const text = await readFile('/proc/self/stat', 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000 + ticksOfChildren(text) * millisecondsPerTick
}

/** Reads `cutime` and `cstime`, the fields 16 and 17. The name of the program, field 2, may contain spaces. */
export function ticksOfChildren(stat: string): number {
  const [, ...fields] = stat.slice(stat.lastIndexOf(')')).split(' ')
  return Number(fields[13]) + Number(fields[14])
}
