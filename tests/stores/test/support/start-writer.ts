import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { environmentOf } from './open-at.ts'
import type { Place } from './kinds-of-store.ts'

/** Starts `saving-writer.ts` with the store at a place. */
export function startWriter(place: Place, ...words: readonly string[]): ChildProcess {
  return fork(join(import.meta.dirname, '../programs/saving-writer.ts'), [place.url, ...words], {
    env: environmentOf(place),
    execArgv: [],
  })
}
