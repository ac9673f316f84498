import { HoldfastError } from '../../errors.ts'
import type { Recording } from '../context/recorded-finding.ts'
import type { OtherFiles } from '../../local-files/delivery/other-files.ts'
import type { Checkpoint, CheckpointContents } from '../../catalog/judging/checkpoint.ts'

/** Where and how `store.restore()` restores a checkpoint. */
export interface RestoreOptions {
  /** The folder to restore into. It is created if it does not exist. Files with the same names are replaced. */
  readonly to: string
  /**
   * What to do if the checkpoint is corrupt or incomplete. If true, quarantines it and delivers the next older good
   * checkpoint. Default: false, which rejects with `CORRUPT`.
   */
  readonly fallback?: boolean | undefined
  /**
   * The files to restore: names, and glob patterns such as `rank3/*`, `**\/*.safetensors`, or `rank3/` for all files in a folder.
   * A pattern without a slash matches names in every folder. Rejects with `NOT_FOUND` if one of them selects no file. Default:
   * all files.
   */
  readonly files?: readonly string[] | undefined
  /**
   * Whether to remove other files in `to`, and folders without files of the checkpoint. They are removed together with
   * the exchange of the restored files. Default: false, which reports them.
   */
  readonly exact?: boolean | undefined
  /**
   * Skips a checkpoint that was restored so many times without a later save, and returns to the one before, for a supervisor
   * that restarts a run which a checkpoint breaks. The restore takes the store over. It commits its count
   * once all files are verified, before it delivers one, so a restore that fails earlier does not count. Requires `latest`,
   * `fallback`, and a store in exclusive mode or of a job. Default: restores are not counted.
   */
  readonly maxTries?: number | undefined
  /**
   * What `mirror.bringBack()` of this store has just returned. The restore does not read the catalog of the mirror again, so it
   * does not find what was mirrored since. Pass it only at once. Default: the mirror is read.
   */
  readonly mirrorReading?: MirrorReading | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: { readonly bytes: number; readonly total: number }) => void) | undefined
}

/** A mirror as `mirror.bringBack()` has read it. */
export interface MirrorReading {
  /** URL of the mirror, without secrets. */
  readonly url: string
}

/** A checkpoint that was passed over. */
export interface PassedOver {
  readonly step: number
  /** The faults of the checkpoint. */
  readonly reason: string
  /** Whether the catalog lists the checkpoint as quarantined now. */
  readonly quarantined: Recording
  /** Defined if the checkpoint is not corrupt, but was restored so many times without a later save. */
  readonly tries?: number | undefined
}

/** A file that a restore delivered and verified. */
export interface RestoredFile {
  /** The name in the checkpoint. */
  readonly name: string
  /** The path on this machine. */
  readonly path: string
  /** The size in bytes. */
  readonly size: number
  /** The digest in lower-case hexadecimal. */
  readonly sha256: string
}

/** The place from which a checkpoint was restored, of a store and its mirror. */
export interface RestoreSource {
  readonly from: 'store' | 'mirror'
  readonly url: string
  /** Why this place was chosen, as a sentence. */
  readonly why: string
}

/** The restored checkpoint. Every byte was verified. */
export interface Restored extends Checkpoint, CheckpointContents {
  readonly restored: readonly RestoredFile[]
  /** `undefined` if the store has no mirror. */
  readonly source?: RestoreSource | undefined
  /** The files in `to` that are not part of the checkpoint. `undefined` if only some files were requested. */
  readonly otherFiles: OtherFiles | undefined
  /** The corrupt checkpoints that were passed over, newest first. */
  readonly passedOver: readonly PassedOver[]
  /**
   * The versions of the catalog that are damaged or lack pages. Data that only they contain is not offered until
   * `repair`.
   */
  readonly damagedCatalogs: readonly { readonly version: number; readonly reason: string }[]
}

/** Throws `INVALID_ARGUMENT` for options that contradict each other, or that belong to another mirror than that at `mirrorUrl`. */
export function assertRestoreOptions(
  options: RestoreOptions,
  url: string,
  mirrorUrl: string | undefined,
): void {
  if (options.mirrorReading !== undefined && options.mirrorReading.url !== mirrorUrl)
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      'mirrorReading is not of the mirror of this store. Pass what mirror.bringBack() of this store returned, or leave it out.',
      { url },
    )
  if (options.exact !== true || options.files === undefined) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    'An exact restore removes all other files, so it must restore all files. Remove the option `files` or `exact`.',
    { url },
  )
}
