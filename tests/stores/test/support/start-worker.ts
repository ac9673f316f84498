import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { environmentOf } from './open.ts'
import type { Place } from './kinds-of-store.ts'

/** Starts `worker.ts` with the store at a place. */
export function startWorker(place: Place, ...words: readonly string[]): ChildProcess {
  return fork(join(import.meta.dirname, '../programs/worker.ts'), [place.url, ...words], {
    env: environmentOf(place),
    execArgv: [],
  })
}
