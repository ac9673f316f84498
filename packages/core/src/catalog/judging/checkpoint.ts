import { type CatalogEntry, type Manifest, metricsOf, objectKey } from '../documents/index.ts'
import { bestNames, hasFields, judge, type Judgement, type Keeping, retain } from './judgement.ts'
import { isWhole, type PagedCatalog, type WholeCatalog } from '../pages/index.ts'

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

/** A checkpoint, and what the objectives and the retention in force make of it among all others. */
export interface JudgedCheckpoint extends Checkpoint {
  /** The objectives of which it is the best. */
  readonly bestOf: readonly string[]
  /** What each objective makes of it: the smoothed metric, or the weighted sum; none for what cannot be judged. */
  readonly scores: Readonly<Record<string, number>>
  /** All that keeps it, by the retention in force; empty when there is none. */
  readonly keptBecause: readonly string[]
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

/** What the manifest of a checkpoint tells. */
export interface CheckpointContents {
  readonly files: readonly CheckpointFile[]
  readonly metadata: unknown
  readonly dataState: unknown
}

/** A checkpoint with what its manifest tells. */
export interface CheckpointDetails extends JudgedCheckpoint, CheckpointContents {}

/** A checkpoint that was set aside because it is corrupt. */
export interface QuarantinedCheckpoint {
  readonly step: number
  readonly reason: string
  readonly at: Date
}

/** All checkpoints of a catalog, in the order of their steps, as `keeping` judges them at a time. */
export function judgedCheckpoints(
  catalog: WholeCatalog,
  keeping: Keeping,
  at: Date,
): readonly JudgedCheckpoint[] {
  const judgement = judge(catalog, keeping.objectives)
  const reasons = reasonsOf(catalog, judgement, keeping, at)
  return catalog.checkpoints.all.map((entry) => judged(entry, judgement, reasons))
}

/**
 * One of them; also one that the catalog no longer lists. A catalog that was not needed whole had nothing to judge
 * its checkpoints by.
 */
export function judgedCheckpoint(
  catalog: PagedCatalog,
  entry: CatalogEntry,
  keeping: Keeping,
  at: Date,
): JudgedCheckpoint {
  const isJudged = isWhole(catalog) && catalog.checkpoints.get(entry.step)?.attempt === entry.attempt
  if (!isJudged) return { ...factsOf(entry), bestOf: [], scores: {}, keptBecause: [] }
  const judgement = judge(catalog, keeping.objectives)
  return judged(entry, judgement, reasonsOf(catalog, judgement, keeping, at))
}

/** What the catalog itself tells of a checkpoint. */
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

function judged(
  entry: CatalogEntry,
  judgement: Judgement,
  reasons: ReadonlyMap<number, readonly string[]>,
): JudgedCheckpoint {
  return {
    ...factsOf(entry),
    bestOf: bestNames(judgement, entry.step),
    scores: Object.fromEntries(
      [...judgement.evaluations].flatMap(([name, evaluations]) => {
        const value = evaluations.get(entry.step)?.value
        return value === undefined ? [] : [[name, value]]
      }),
    ),
    keptBecause: reasons.get(entry.step) ?? [],
  }
}

/** Why each step is kept; none where there is no retention. */
function reasonsOf(
  catalog: WholeCatalog,
  judgement: Judgement,
  { retention }: Keeping,
  at: Date,
): ReadonlyMap<number, readonly string[]> {
  if (!hasFields(retention)) return new Map()
  const decisions = retain(catalog, judgement, retention, { now: at }, () => undefined)
  return new Map(decisions.map(({ step, kept, because }) => [step, kept ? because : []]))
}
