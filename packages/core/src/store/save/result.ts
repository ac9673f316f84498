import type { CheckpointFile, JudgedCheckpoint } from '../../catalog/judging/checkpoint.ts'

/** A checkpoint that is durable and committed. */
export interface SaveResult extends JudgedCheckpoint {
  readonly files: readonly CheckpointFile[]
  /** The highest listed step. It is above that of a save after which the run had gone back. */
  readonly highestStep: number
  /** Whether the same bytes were saved at the step before, so that no file was stored. */
  readonly alreadySaved: boolean
  /** The checkpoints that were dropped before the save to make room, or in the same commit, with reasons. */
  readonly dropped: readonly { readonly step: number; readonly because: string }[]
  /**
   * Properties of the files that the checkpoint does not keep, and files that it stores more than once, as sentences.
   */
  readonly warnings: readonly string[]
  /** Milliseconds that the save took. */
  readonly duration: number
}
