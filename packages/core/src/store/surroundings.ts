import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { abortedError } from '../errors.ts'
import { defaultFoldings, type Foldings } from './pages/index.ts'
import { type Deliver, deliverToDirectory } from './restore/to-directory.ts'

/** Time, chance, the local disk and when a run is long, as parameters: a simulator gives its own. */
export interface Surroundings {
  /** This machine's clock. For people and for pauses; no decision about the store rests on it. */
  now(): Date
  /** From 0 to below 1. */
  random(): number
  /** A UUID that nobody else ever has. */
  newId(): string
  /** 16 hexadecimal digits that no other attempt at the same step upon the same base has. */
  newToken(): string
  /** Resolves after so many milliseconds; rejects with `ABORTED` when the signal fires. */
  pause(milliseconds: number, signal?: AbortSignal): Promise<void>
  /** Puts what is restored where the caller wants it, all or nothing. */
  deliver: Deliver
  /** How many lines of the catalog stand together. */
  readonly foldings: Foldings
  /** Every so many versions of the catalog a save raises the floor, and removes what is below it. */
  readonly tidyEvery: number
}

export const realSurroundings: Surroundings = {
  now: () => new Date(),
  random: () => Math.random(),
  newId: () => randomUUID(),
  newToken: () => randomBytes(8).toString('hex'),
  pause: async (milliseconds, signal) => {
    try {
      await setTimeout(milliseconds, undefined, signal === undefined ? {} : { signal })
    } catch (error) {
      if (signal?.aborted === true) throw abortedError(signal, 'The pause before another try')
      throw error
    }
  },
  deliver: deliverToDirectory,
  foldings: defaultFoldings,
  tidyEvery: 64,
}
