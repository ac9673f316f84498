import type { OrderKey } from '../order-key.ts'

/** What a retention decision knows of a checkpoint. */
export interface RetainedCheckpoint {
  readonly step: number
  readonly epoch: number | undefined
  readonly bytes: number
  /** By the clock of the machine that saved it. */
  readonly savedAt: Date
  readonly tags: readonly string[]
  readonly metrics: Readonly<Record<string, number>>
}

/** The same, with what only the store knows. */
export interface Candidate extends RetainedCheckpoint {
  /** What it takes of a file system's inodes: its files, the manifest and their folder. */
  readonly inodes: number
  /** When its save began, in the order of all saves. */
  readonly order: OrderKey
  /** By the store's own clock, if it was recorded. */
  readonly storedAt: Date | undefined
  /** Milliseconds by which the clock seems to have jumped before its save; 0 if it has not. */
  readonly clockJump: number
  /** Why it is pinned, in words; `undefined` when it is not. */
  readonly pinned: string | undefined
  /** Why else it may not go now: it was just saved, or is being restored. */
  readonly inUse: string | undefined
}
