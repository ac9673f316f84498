import { availableParallelism } from 'node:os'

/** More threads than this rarely help, and each takes memory. */
const mostByDefault = 4

/** The largest number of threads that the option `threads` may name. */
export const mostThreads = 64

/** Returns how many threads transfer large files by default: one processor is left for everything else. */
export function defaultThreads(processors = availableParallelism()): number {
  return Math.max(1, Math.min(mostByDefault, processors - 1))
}

/** Returns how many threads hash at most while nothing is transferred: no processor has to be left for anything else. */
export function threadsOnAllProcessors(processors = availableParallelism()): number {
  return Math.min(mostByDefault, processors)
}

/** Returns whether this process may start threads. */
export function mayStartThreads(): boolean {
  // `process.permission` exists only under the permission model, which forbids threads without `--allow-worker`:
  // https://nodejs.org/api/permissions.html
  const permission = process.permission as NodeJS.ProcessPermission | undefined
  return permission === undefined || permission.has('worker')
}

/** Returns whether another thread can work beside this one: there is a second processor, and this process may start threads. */
export function mayWorkInThread(): boolean {
  return availableParallelism() > 1 && mayStartThreads()
}
