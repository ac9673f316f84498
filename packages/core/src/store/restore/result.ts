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
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: { readonly bytes: number; readonly total: number }) => void) | undefined
}

/** A checkpoint that was passed over. */
export interface PassedOver {
  readonly step: number
  /** What is wrong with it. */
  readonly reason: string
  /** Whether the catalog says so now; else why not. */
  readonly quarantined: true | string
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
  /** The corrupt ones that were passed over on the way to this one, the newest first. */
  readonly passedOver: readonly PassedOver[]
  /** Versions of the catalog that are damaged or lack pages: what only they knew is not offered until `repair`. */
  readonly damagedCatalogs: readonly { readonly version: number; readonly reason: string }[]
}
