import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { abortedError } from './errors.ts'
import { type Deliver, deliverToDirectory } from './local-files/to-directory.ts'

/** How many of something stand together. */
export interface PageLimit {
  /** In the document that refers to them, at most; above that the oldest go into a page. */
  readonly inline: number
  /** In one page, at most. */
  readonly page: number
}

export interface PageLimits {
  readonly checkpoints: PageLimit
  readonly metrics: PageLimit
  /** References to pages of one depth. */
  readonly references: PageLimit
}

/**
 * Such that a catalog stays near 60 KB, however long the run, and the latest 16 checkpoints stand in it unless they were
 * deleted.
 */
export const defaultPageLimits: PageLimits = {
  checkpoints: { inline: 80, page: 64 },
  metrics: { inline: 160, page: 128 },
  references: { inline: 24, page: 16 },
}

/** Time, chance, the local disk and when a run is long, as parameters: a simulator gives its own. */
export interface Environment {
  /** This machine's clock. Retention by age drops nothing that this clock alone finds old. */
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
  readonly pageLimits: PageLimits
  /** Every so many versions of the catalog a save raises the floor, and removes what is below it. */
  readonly tidyEvery: number
  /** Files that a store on a file system keeps for deletions from a full disk. */
  readonly reserveFiles: number
}

export const systemEnvironment: Environment = {
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
  pageLimits: defaultPageLimits,
  tidyEvery: 64,
  // A deletion writes a version of the catalog and a few pages, each of which takes an inode.
  reserveFiles: 6,
}
