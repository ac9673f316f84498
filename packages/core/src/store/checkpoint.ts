import { type Catalog, type CatalogEntry, metricsOf } from './documents/index.ts'
import { bestNames, hasFields, judge, type Keeping, retain } from './judgement.ts'

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

/** All checkpoints of a catalog, in the order of their steps, as `keeping` judges them at a time. */
export function describeCheckpoints(catalog: Catalog, keeping: Keeping, at: Date): readonly Checkpoint[] {
  const judgement = judge(catalog, keeping.objectives)
  const decisions = hasFields(keeping.retention)
    ? retain(catalog, keeping, at.toISOString(), () => undefined)
    : []
  const reasons = new Map(decisions.map(({ step, kept, because }) => [step, kept ? because : []]))
  return catalog.checkpoints.map((entry) => ({
    ...factsOf(entry),
    bestOf: bestNames(judgement, entry.step),
    scores: Object.fromEntries(
      [...judgement.evaluations].flatMap(([name, evaluations]) => {
        const value = evaluations.get(entry.step)?.value
        return value === undefined ? [] : [[name, value]]
      }),
    ),
    keptBecause: reasons.get(entry.step) ?? [],
  }))
}

/** One of them; also one that the catalog no longer lists. */
export function describeCheckpoint(
  catalog: Catalog,
  entry: CatalogEntry,
  keeping: Keeping,
  at: Date,
): Checkpoint {
  const found = describeCheckpoints(catalog, keeping, at).find(({ step }) => step === entry.step)
  return { bestOf: [], scores: {}, keptBecause: [], ...found, ...factsOf(entry) }
}

function factsOf(entry: CatalogEntry): Omit<Checkpoint, 'bestOf' | 'scores' | 'keptBecause'> {
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
  }
}
