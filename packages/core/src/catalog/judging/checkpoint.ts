import { type CatalogEntry, type Manifest, metricsOf, objectKey, type Timing } from '../documents/index.ts'
import { compareSaves } from '../../order-key.ts'
import { bestNames, holderOf, scoresOf } from './judgement.ts'
import type { JudgedCatalog } from './judged-catalog.ts'

/** A committed checkpoint, as the list shows it. */
export interface Checkpoint {
  readonly step: number
  readonly epoch: number | undefined
  /** Number of files. */
  readonly fileCount: number
  /** The total size of the files in bytes. */
  readonly bytes: number
  /** The time of the save by the clock of the machine that saved it. */
  readonly savedAt: Date
  readonly metrics: Readonly<Record<string, number>>
  readonly tags: readonly string[]
  readonly pinned: { readonly reason: string | undefined; readonly at: Date } | undefined
  /** How long its save took. `undefined` for a joint save of many ranks and in older stores. */
  readonly timing: CheckpointTiming | undefined
}

/** How long a save took, by the clock of the machine that saved. */
export interface CheckpointTiming {
  /** Milliseconds from the start of the save until all files were stored. */
  readonly saving: number
  /** The restore from which the run continued. Defined for the first save after it by the same process. */
  readonly restore:
    | {
        readonly step: number
        readonly at: Date
        /** Milliseconds that the restore took. */
        readonly duration: number
      }
    | undefined
}

/** A checkpoint with its scores, and the reasons why the retention in force keeps it. */
export interface JudgedCheckpoint extends Checkpoint {
  /** The objectives for which it is the best checkpoint. */
  readonly bestOf: readonly string[]
  /** The value of each objective: a smoothed metric or a weighted sum. Objectives without a value are omitted. */
  readonly scores: Readonly<Record<string, number>>
  /** The reasons why the retention in force keeps it. Empty without retention. */
  readonly keptBecause: readonly string[]
  /** Whether it is the checkpoint whose save began last, with which a run continues. */
  readonly isLatest: boolean
  /** Whether a rewind left it behind. It is never the latest. The next save drops it if `keptBecause` is empty. */
  readonly isAbandoned: boolean
}

/** One file of a checkpoint. */
export interface CheckpointFile {
  readonly name: string
  /** The size in bytes. */
  readonly size: number
  /** The digest in lower-case hexadecimal. */
  readonly sha256: string
  /** The path of the object with its bytes, below the root of the store. */
  readonly key: string
  /** Where its bytes begin in the object, if that is a pack of several files. */
  readonly offset: number | undefined
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

/** Returns all checkpoints of a catalog, in the order of their steps or of their saves. */
export function judgedCheckpoints(
  judged: JudgedCatalog,
  orderBy: 'steps' | 'saves' = 'steps',
): readonly JudgedCheckpoint[] {
  const { all } = judged.whole.checkpoints
  const entries = orderBy === 'saves' ? all.toSorted(compareSaves) : all
  return entries.map((entry) => withJudgement(judged, entry))
}

/** Returns the checkpoints that rewinds abandoned, in the order of their saves. */
export function abandonedCheckpoints(judged: JudgedCatalog): readonly JudgedCheckpoint[] {
  return (judged.catalog.abandoned ?? []).map((entry) => withJudgement(judged, entry))
}

/** Returns one checkpoint of a catalog, even if the catalog no longer lists it. */
export function judgedCheckpoint(judged: JudgedCatalog, entry: CatalogEntry): JudgedCheckpoint {
  const { catalog } = judged
  const isAbandoned = isIn(catalog.abandoned ?? [], entry)
  const isListed = judged.isJudged && judged.whole.checkpoints.get(entry.step)?.attempt === entry.attempt
  if (isListed || (judged.isJudged && isAbandoned)) return withJudgement(judged, entry)
  const isLatest = catalog.latest?.attempt === entry.attempt
  return { ...factsOf(entry), bestOf: [], scores: {}, keptBecause: [], isLatest, isAbandoned }
}

function isIn(entries: readonly CatalogEntry[], { attempt }: CatalogEntry): boolean {
  return entries.some((entry) => entry.attempt === attempt)
}

/** Returns the members of a checkpoint that do not depend on other checkpoints. */
export function factsOf(entry: CatalogEntry): Checkpoint {
  const { step, epoch, fileCount, bytes, savedAt, metrics, tags, pinned, timing } = entry
  return {
    step,
    epoch,
    fileCount,
    bytes,
    savedAt: new Date(savedAt),
    metrics: metricsOf(metrics),
    tags,
    pinned: pinned === undefined ? undefined : { reason: pinned.reason, at: new Date(pinned.at) },
    timing: timing && timingOf(timing),
  }
}

function timingOf({ saving, restore }: Timing): CheckpointTiming {
  if (restore === undefined) return { saving, restore }
  const { step, at, duration } = restore
  return { saving, restore: { step, at: new Date(at), duration } }
}

export function contentsOf({
  attempt,
  files,
  metadata,
  dataState,
}: Pick<Manifest, 'attempt' | 'files' | 'metadata' | 'dataState'>): CheckpointContents {
  return {
    files: files.map(({ name, object, offset, size, sha256 }) => ({
      name,
      size,
      sha256,
      key: objectKey(attempt, object),
      offset,
    })),
    metadata,
    dataState,
  }
}

function withJudgement(judged: JudgedCatalog, entry: CatalogEntry): JudgedCheckpoint {
  const { judgement, reasons, whole } = judged
  const { step, attempt } = entry
  const isAbandoned = isIn(whole.abandoned ?? [], entry)
  const isHolder = !isAbandoned || holderOf(whole, step)?.attempt === attempt
  return {
    ...factsOf(entry),
    bestOf: isHolder ? bestNames(judgement, step) : [],
    scores: isHolder ? scoresOf(judgement, step) : {},
    keptBecause: (isAbandoned ? judged.abandonedReasons.get(attempt) : reasons.get(step)) ?? [],
    isLatest: whole.latest?.attempt === attempt,
    isAbandoned,
  }
}
