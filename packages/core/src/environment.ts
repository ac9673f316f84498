import { randomBytes, randomUUID } from 'node:crypto'
import { pauseFor } from './async/pause-for.ts'
import { abortedError } from './errors.ts'
import {
  type Liveness,
  livenessOf,
  type ProcessIdentity,
  provenProcess,
} from './local-files/process-identity.ts'
import { type MemberFiles, memberFiles } from './local-files/member-files.ts'
import { Machine, measureLoad } from './pacing/index.ts'
import { type Deliver, deliverToDirectory } from './local-files/delivery/to-directory.ts'

/** Limits for the number of lines in one document. */
export interface PageLimit {
  /** The largest number of lines in the document that refers to pages. The oldest lines beyond it move to a page. */
  readonly inline: number
  /** The largest number of lines in one page. */
  readonly page: number
}

/** Limits for the number of lines of each kind in the catalog and its pages. */
export interface PageLimits {
  readonly checkpoints: PageLimit
  readonly metrics: PageLimit
  /** References to pages of one depth. */
  readonly references: PageLimit
}

/**
 * A catalog of this size stays near 60 KB for a run of any length. Its document has the latest 16 checkpoints, unless
 * they were deleted.
 */
export const defaultPageLimits: PageLimits = {
  checkpoints: { inline: 80, page: 64 },
  metrics: { inline: 160, page: 128 },
  references: { inline: 24, page: 16 },
}

/** Identifies processes of this machine, so that a save can delete the leftovers of a killed process. */
export interface Processes {
  /** Returns the identity of this process; `undefined` if the system does not prove it. */
  self(): Promise<ProcessIdentity | undefined>
  livenessOf(process: ProcessIdentity): Promise<Liveness>
}

/** Time, randomness, the local disk and the limits of pages as parameters. A simulator passes its own. */
export interface Environment {
  /** The clock of this machine. Retention by age drops nothing that only this clock considers old. */
  now(): Date
  /** Returns milliseconds since some moment. They never go back. */
  elapsed(): number
  /** Returns a number from 0 to below 1. */
  random(): number
  /** Returns a unique UUID. */
  newId(): string
  /** Returns 16 hexadecimal digits that are unique among the attempts at one step with the same base. */
  newToken(): string
  /** Resolves after this number of milliseconds. Rejects with `ABORTED` if the signal fires. */
  pause(milliseconds: number, signal?: AbortSignal): Promise<void>
  /** Knows whether other work needs this machine. */
  readonly machine: Pick<Machine, 'isBusy'>
  /** Delivers restored files into a folder, all or none. */
  deliver: Deliver
  /** The files that carry the membership of a rank of a job from one process to the next. */
  readonly memberFiles: MemberFiles
  /** The limits of lines in the catalog and its pages. */
  readonly pageLimits: PageLimits
  /** The number of catalog versions after which a save raises the floor and removes what is below it. */
  readonly tidyEvery: number
  /** The processes of this machine, by which a save recognises the leftovers of a killed process. */
  readonly processes: Processes
  /** The files that a store on a file system reserves for deletions from a full disk. */
  readonly reserveFiles: number
}

/** The clock, the randomness, the disk and the processes of this machine. */
export const systemEnvironment: Environment = {
  now: () => new Date(),
  elapsed: () => performance.now(),
  random: () => Math.random(),
  newId: () => randomUUID(),
  newToken: () => randomBytes(8).toString('hex'),
  pause: async (milliseconds, signal) => {
    try {
      await pauseFor(milliseconds, signal)
    } catch (error) {
      if (signal?.aborted === true) throw abortedError(signal, 'The pause before another try')
      throw error
    }
  },
  machine: new Machine({
    elapsed: () => performance.now(),
    pause: (milliseconds) => pauseFor(milliseconds, undefined),
    measureLoad,
  }),
  deliver: deliverToDirectory,
  memberFiles,
  pageLimits: defaultPageLimits,
  tidyEvery: 64,
  processes: { self: provenProcess, livenessOf },
  // A deletion writes a version of the catalog and a few pages. Each of them needs an inode.
  reserveFiles: 6,
}

/** Returns the milliseconds since a moment. A clock that was set back gives no negative duration. */
export function durationSince(environment: Pick<Environment, 'now'>, began: Date): number {
  return Math.max(0, environment.now().getTime() - began.getTime())
}
