import { setTimeout } from 'node:timers/promises'

/** Time as a parameter: tests give their own. */
export interface WatchClock {
  /** Milliseconds that never go back, from any start. */
  now(): number
  /** This machine's time, in milliseconds since 1970: it is compared with the times of files. */
  wallTime(): number
  /** Resolves after the given number of milliseconds, or when the signal fires. */
  wait(milliseconds: number, wake: AbortSignal): Promise<void>
}

export const systemClock: WatchClock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  wait: async (milliseconds, wake) => {
    try {
      await setTimeout(milliseconds, undefined, { signal: wake })
    } catch (error) {
      if (!wake.aborted) throw error
    }
  },
}
