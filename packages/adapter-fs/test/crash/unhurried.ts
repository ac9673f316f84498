import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FileSystem } from '../../src/index.ts'

/**
 * Delays each call before and after its effect, and some of them for much longer. The delays come from a seed, so that concurrent
 * calls overtake each other, in the same way in each run.
 */
export function unhurried(fileSystem: FileSystem, seed: number): FileSystem {
  let drawn = seed
  const pause = async (): Promise<void> => {
    drawn = (Math.imul(drawn, 1_664_525) + 1_013_904_223) >>> 0
    const isLong = ((drawn >>> 24) & 7) === 0
    for (let turns = (drawn >>> 29) * (isLong ? 16 : 1); turns > 0; turns -= 1) await nextTurn()
  }
  const slow = slowed(fileSystem, pause)
  return { ...slow, open: async (path, flags, mode) => slowed(await slow.open(path, flags, mode), pause) }
}

function slowed<Calls extends object>(calls: Calls, pause: () => Promise<void>): Calls {
  return new Proxy(calls, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value !== 'function') return value
      const call = value as (...parameters: unknown[]) => Promise<unknown>
      return async (...parameters: unknown[]) => {
        await pause()
        const result = await call.apply(target, parameters)
        await pause()
        return result
      }
    },
  })
}
