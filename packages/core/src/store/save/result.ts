import type { CheckpointFile, JudgedCheckpoint } from '../../catalog/judging/checkpoint.ts'

/** A checkpoint that is durable and committed. */
export interface SaveResult extends JudgedCheckpoint {
  readonly files: readonly CheckpointFile[]
  /** What left the list to make room before, or in the same commit, and why. */
  readonly dropped: readonly { readonly step: number; readonly because: string }[]
  /** What the checkpoint does not keep of the files, or stores more than once, as sentences. */
  readonly warnings: readonly string[]
  /** Milliseconds that the save took. */
  readonly duration: number
}
