import { refuseUnknownOptions } from '../../backend/index.ts'
import { HoldfastError } from '../../errors.ts'
import type { Recording } from '../recording.ts'
import type { OtherFiles } from '../../local-files/other-files.ts'
import type { Checkpoint, CheckpointContents } from '../../catalog/judging/checkpoint.ts'

export interface RestoreOptions {
  /** The folder to restore into. It is made if need be; files of the same names are replaced. */
  readonly to: string
  /**
   * When the checkpoint is corrupt or incomplete: set it aside in the catalog and deliver the next older good
   * one. Default: reject with `CORRUPT`.
   */
  readonly fallback?: boolean | undefined
  /** Only these files. Default: all. */
  readonly files?: readonly string[] | undefined
  /**
   * Whether other files in `to` are removed, together with folders that hold none of the checkpoint's files. They go in
   * the same step in which the restored files take their places. Default: false, they are reported.
   */
  readonly exact?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: { readonly bytes: number; readonly total: number }) => void) | undefined
}

/** A checkpoint that was passed over. */
export interface PassedOver {
  readonly step: number
  /** What is wrong with it. */
  readonly reason: string
  /** Whether the catalog lists it as quarantined now. */
  readonly quarantined: Recording
}

export interface RestoredFile {
  readonly name: string
  readonly path: string
  readonly size: number
  readonly sha256: string
}

/** What was delivered, proved byte by byte. */
export interface Restored extends Checkpoint, CheckpointContents {
  readonly restored: readonly RestoredFile[]
  /** Files in `to` that are not part of the checkpoint; `undefined` if only some files were asked for. */
  readonly otherFiles: OtherFiles | undefined
  /** The corrupt ones that were passed over on the way to this one, the newest first. */
  readonly passedOver: readonly PassedOver[]
  /** Versions of the catalog that are damaged or lack pages: what only they knew is not offered until `repair`. */
  readonly damagedCatalogs: readonly { readonly version: number; readonly reason: string }[]
}

/** Throws `INVALID_ARGUMENT` for options that are misspelt, or that cannot be taken together. */
export function assertRestoreOptions(options: RestoreOptions, url: string): void {
  refuseUnknownOptions(options, ['to', 'fallback', 'files', 'exact', 'signal', 'onProgress'], 'restore', url)
  if (options.exact !== true || options.files === undefined) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    'An exact restore leaves nothing but the checkpoint, so it takes all its files. Leave out `files` or `exact`.',
    { url },
  )
}
