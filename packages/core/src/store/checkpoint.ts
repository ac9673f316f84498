import { type CatalogEntry, metricsOf } from './documents/index.ts'

/** A committed checkpoint, as the list shows it. */
export interface Checkpoint {
  readonly step: number
  readonly epoch: number | undefined
  /** How many files, and bytes together. */
  readonly files: number
  readonly bytes: number
  /** By the clock of the machine that saved it. */
  readonly savedAt: Date
  readonly metrics: Readonly<Record<string, number>>
  readonly tags: readonly string[]
  readonly pinned: { readonly reason: string | undefined; readonly at: Date } | undefined
  /** The objectives of which it is the best. */
  readonly bestOf: readonly string[]
}

/** One file of a checkpoint. */
export interface CheckpointFile {
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** Lower-case hexadecimal. */
  readonly sha256: string
  /** Where it lies in the store, relative to the store's root. */
  readonly key: string
}

/** A checkpoint with what its manifest tells. */
export interface CheckpointDetails extends Checkpoint {
  readonly contents: readonly CheckpointFile[]
  readonly metadata: unknown
  readonly dataState: unknown
}

/** A checkpoint that was set aside because it is corrupt. */
export interface QuarantinedCheckpoint {
  readonly step: number
  readonly reason: string
  readonly at: Date
}

export function checkpointOf(entry: CatalogEntry, bestOf: readonly string[]): Checkpoint {
  const { step, epoch, files, bytes, savedAt, metrics, tags, pinned } = entry
  return {
    step,
    epoch,
    files,
    bytes,
    savedAt: new Date(savedAt),
    metrics: metricsOf(metrics),
    tags,
    pinned: pinned === undefined ? undefined : { reason: pinned.reason, at: new Date(pinned.at) },
    bestOf,
  }
}
