import type { OrderKey } from '../order-key.ts'
import type { HeldSpace } from '../space/index.ts'

/** The data of a checkpoint that a `keep` function sees. */
export interface RetainedCheckpoint {
  readonly step: number
  readonly epoch: number | undefined
  readonly bytes: number
  /** The time of the save by the clock of the machine that saved it. */
  readonly savedAt: Date
  readonly tags: readonly string[]
  readonly metrics: Readonly<Record<string, number>>
}

/** The data of a checkpoint that retention decides by. It includes data that only the store knows. */
export interface Candidate extends RetainedCheckpoint {
  /** The bytes and inodes that the checkpoint uses. It may share some of them with others. */
  readonly holds: readonly HeldSpace[]
  /** The order key of the save. */
  readonly order: OrderKey
  /** The time of the save by the clock of the store, if it was recorded. */
  readonly storedAt: Date | undefined
  /** Milliseconds by which the clock seems to have jumped before the save. 0 without a jump. */
  readonly clockJump: number
  /** The reason of the pin. `undefined` if the checkpoint is not pinned. */
  readonly pinned: string | undefined
  /** Another reason why the checkpoint must not be dropped now: it was just saved, or is being restored. */
  readonly inUse: string | undefined
  /** Why policies keep the checkpoint for now. Limits may drop it, after all others: the mirror does not have it yet. */
  readonly waiting: string | undefined
}
