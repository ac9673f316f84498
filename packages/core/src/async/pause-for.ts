import { setTimeout } from 'node:timers/promises'
import { longestTimer } from './longest-timer.ts'

/** Resolves after any number of milliseconds. Rejects with the `AbortError` of Node.js if the signal fires. */
export async function pauseFor(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  const options = signal === undefined ? {} : { signal }
  let left = milliseconds
  while (left > longestTimer) {
    await setTimeout(longestTimer, undefined, options)
    left -= longestTimer
  }
  await setTimeout(left, undefined, options)
}
