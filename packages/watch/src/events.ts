import type { HoldfastError, SaveResult } from '@holdfast/core'

/** What a watch or an import does, as it happens. `name` is the path of a checkpoint below the folder. */
export type WatchEvent =
  /** The format was recognised. `title` is for people. */
  | { readonly type: 'layout'; readonly layout: string; readonly title: string }
  /** A checkpoint is committed. */
  | { readonly type: 'adopted'; readonly name: string; readonly saved: SaveResult }
  /** The store has these bytes as this step. */
  | { readonly type: 'known'; readonly name: string; readonly step: number }
  /** A checkpoint is not complete. Once for each `missing`. */
  | { readonly type: 'incomplete'; readonly name: string; readonly missing: string }
  /** A checkpoint changed while it was saved. Nothing was saved; the next scan tries again. */
  | { readonly type: 'changed'; readonly name: string }
  /** A checkpoint is not adopted as it is now. */
  | { readonly type: 'passedOver'; readonly name: string; readonly reason: string }
  /** A save failed. The watch retries it after this number of milliseconds. */
  | {
      readonly type: 'failed'
      readonly name: string
      readonly error: HoldfastError
      readonly retryIn: number
    }
  /** The trainer's files were deleted, since the store has them. */
  | { readonly type: 'consumed'; readonly name: string }
  /** The folder cannot be written to, so what was adopted is known only as far as the store lists it. */
  | { readonly type: 'forgetful'; readonly folder: string }
