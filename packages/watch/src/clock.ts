import { pauseFor } from '@holdfast/core/backend'

/** Time as a parameter, so that tests can control it. */
export interface WatchClock {
  /** Returns milliseconds from an arbitrary start. They never go back. */
  now(): number
  /** Returns the time of this machine in milliseconds since 1970, which is compared with the times of files. */
  wallTime(): number
  /** Resolves after the given number of milliseconds, or when the signal fires. */
  wait(milliseconds: number, wake: AbortSignal): Promise<void>
}

export const systemClock: WatchClock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  wait: async (milliseconds, wake) => {
    try {
      await pauseFor(milliseconds, wake)
    } catch (error) {
      if (!wake.aborted) throw error
    }
  },
}
