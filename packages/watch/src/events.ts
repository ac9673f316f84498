import type { HoldfastError, SaveResult } from '@holdfast/core'

/** What a watch or an import does, as it happens. `name` is the path of a checkpoint below the folder. */
export type WatchEvent =
  /** The format was recognised. `title` is for people. */
  | { readonly type: 'layout'; readonly layout: string; readonly title: string }
  /** A checkpoint is committed. */
  | { readonly type: 'adopted'; readonly name: string; readonly saved: SaveResult }
  /** The store has these bytes as this step. If `isListed` is false, it had them, and has dropped them since. */
  | { readonly type: 'known'; readonly name: string; readonly step: number; readonly isListed: boolean }
  /** A checkpoint is not complete. Once for each `missing`. */
  | { readonly type: 'incomplete'; readonly name: string; readonly missing: string }
  /** A checkpoint changed while it was saved. Nothing was saved; the next scan tries again. */
  | { readonly type: 'changed'; readonly name: string }
  /** A checkpoint is not adopted as it is now. */
  | { readonly type: 'passedOver'; readonly name: string; readonly reason: string }
  /** A save failed, or a checkpoint cannot be read. The watch tries again after this number of milliseconds at the latest. */
  | {
      readonly type: 'failed'
      readonly name: string
      readonly error: HoldfastError
      readonly retryIn: number
    }
  /**
   * The checkpoint was saved without these entries of its folder: links that lead nowhere or to a folder above, sockets, pipes
   * and devices.
   */
  | { readonly type: 'omitted'; readonly name: string; readonly entries: readonly string[] }
  /** The file of metrics cannot be used, for a reason that is a sentence. Checkpoints are saved without its metrics. */
  | { readonly type: 'noMetrics'; readonly file: string; readonly reason: string }
  /** The trainer's files were deleted, since the store has them. */
  | { readonly type: 'consumed'; readonly name: string }
  /**
   * The trainer's files could not be deleted. The watch tries it again after `retryIn` milliseconds. If that is `undefined`, an
   * older version of a checkpoint that was written again is kept in the hidden folder `name`, and nothing changes it any more.
   */
  | {
      readonly type: 'notConsumed'
      readonly name: string
      readonly error: HoldfastError
      readonly retryIn: number | undefined
    }
  /**
   * What was adopted could not be recorded in the folder. Until that succeeds, a restart knows only what the store lists.
   */
  | { readonly type: 'forgetful'; readonly folder: string; readonly reason: string }
