import { type CatalogEntry, type Manifest, metricsOf, objectKey } from '../documents/index.ts'
import { bestNames, scoresOf } from './judgement.ts'
import type { JudgedCatalog } from './judged-catalog.ts'

/** A committed checkpoint, as the list shows it. */
export interface Checkpoint {
  readonly step: number
  readonly epoch: number | undefined
  /** Number of files. */
  readonly fileCount: number
  /** Size of all files together. */
  readonly bytes: number
  /** By the clock of the machine that saved it. */
  readonly savedAt: Date
  readonly metrics: Readonly<Record<string, number>>
  readonly tags: readonly string[]
  readonly pinned: { readonly reason: string | undefined; readonly at: Date } | undefined
}

/** A checkpoint, its scores, and the reasons for which the retention in force keeps it. */
export interface JudgedCheckpoint extends Checkpoint {
  /** The objectives of which it is the best. */
  readonly bestOf: readonly string[]
  /** Its value by objective: the smoothed metric or the weighted sum. Objectives without a value are omitted. */
  readonly scores: Readonly<Record<string, number>>
  /** Why the retention in force keeps it. Empty if there is no retention. */
  readonly keptBecause: readonly string[]
}

/** One file of a checkpoint. */
export interface CheckpointFile {
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** Lower-case hexadecimal. */
  readonly sha256: string
  /** Path below the root of the store. */
  readonly key: string
}

/** The members of a checkpoint's manifest. */
export interface CheckpointContents {
  readonly files: readonly CheckpointFile[]
  readonly metadata: unknown
  readonly dataState: unknown
}

/** A checkpoint with the members of its manifest. */
export interface CheckpointDetails extends JudgedCheckpoint, CheckpointContents {}

/** A corrupt checkpoint that was quarantined. */
export interface QuarantinedCheckpoint {
  readonly step: number
  readonly reason: string
  readonly at: Date
}

/** All checkpoints of a catalog, in the order of their steps. */
export function judgedCheckpoints(judged: JudgedCatalog): readonly JudgedCheckpoint[] {
  return judged.whole.checkpoints.all.map((entry) => withJudgement(judged, entry))
}

/** One checkpoint of a catalog, or one that the catalog no longer lists. */
export function judgedCheckpoint(judged: JudgedCatalog, entry: CatalogEntry): JudgedCheckpoint {
  const isListed = judged.isJudged && judged.whole.checkpoints.get(entry.step)?.attempt === entry.attempt
  if (isListed) return withJudgement(judged, entry)
  return { ...factsOf(entry), bestOf: [], scores: {}, keptBecause: [] }
}

/** The members of a checkpoint that do not depend on others. */
export function factsOf(entry: CatalogEntry): Checkpoint {
  const { step, epoch, fileCount, bytes, savedAt, metrics, tags, pinned } = entry
  return {
    step,
    epoch,
    fileCount,
    bytes,
    savedAt: new Date(savedAt),
    metrics: metricsOf(metrics),
    tags,
    pinned: pinned === undefined ? undefined : { reason: pinned.reason, at: new Date(pinned.at) },
  }
}

export function contentsOf({ attempt, files, metadata, dataState }: Manifest): CheckpointContents {
  return {
    files: files.map(({ name, object, size, sha256 }) => ({
      name,
      size,
      sha256,
      key: objectKey(attempt, object),
    })),
    metadata,
    dataState,
  }
}

function withJudgement({ judgement, reasons }: JudgedCatalog, entry: CatalogEntry): JudgedCheckpoint {
  return {
    ...factsOf(entry),
    bestOf: bestNames(judgement, entry.step),
    scores: scoresOf(judgement, entry.step),
    keptBecause: reasons.get(entry.step) ?? [],
  }
}
