import type { Checkpoint, CheckpointFile } from '../checkpoint.ts'

/** A checkpoint that is durable and committed. */
export interface SaveResult extends Checkpoint {
  readonly contents: readonly CheckpointFile[]
  /** What left the list in the same commit, and why. */
  readonly dropped: readonly { readonly step: number; readonly because: string }[]
  /** Milliseconds that the save took. */
  readonly duration: number
}
