import type { CheckpointFile, JudgedCheckpoint } from '../../catalog/judging/checkpoint.ts'

/**
 * A checkpoint that is durable and committed. After a joint save of many ranks, `files`, `fileCount`, `bytes` and `committedBy`
 * describe the whole checkpoint, and are the same on every rank.
 */
export interface SaveResult extends JudgedCheckpoint {
  /** The place of this process among the ranks of its job. Defined after a joint save. */
  readonly ranks?: { readonly rank: number; readonly size: number } | undefined
  /** The rank that committed the checkpoint. Defined after a joint save. */
  readonly committedBy?: number | undefined
  readonly files: readonly CheckpointFile[]
  /** The highest listed step. It is above that of a save after which the run had gone back. */
  readonly highestStep: number
  /** Whether the same bytes were saved at the step before, so that no file was stored. */
  readonly alreadySaved: boolean
  /**
   * The size in bytes of the files that were not stored again, because the latest checkpoint has them. After a joint save, of
   * the files of this rank.
   */
  readonly unchangedBytes: number
  /**
   * The checkpoints that were dropped before the save to make room, or in the same commit, with reasons. After a joint save, each
   * rank reports what it dropped to make room. The rank that committed also reports what the commit dropped.
   */
  readonly dropped: readonly { readonly step: number; readonly because: string }[]
  /**
   * Properties of the files that the checkpoint does not keep, and files that it stores more than once, as sentences.
   */
  readonly warnings: readonly string[]
  /** Milliseconds that the save took. */
  readonly duration: number
}
