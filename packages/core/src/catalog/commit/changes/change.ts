import type { ErrorHint } from '../../../hints.ts'
import type { Objectives } from '../../../metrics/index.ts'
import type {
  Catalog,
  CatalogEntry,
  Drop,
  Quarantined,
  RecordedMetrics,
  Segments,
} from '../../documents/index.ts'
import type { Keeping } from '../../judging/judgement.ts'
import type { RetentionTerms } from '../../judging/keeping.ts'
import type { LineList, PagedCatalog } from '../../pages/index.ts'

/** What one kind of change does to a catalog. Every member is a pure function. */
export interface KindOfChange<C> {
  /** Whether the change can be decided only with all lines of the newest version. */
  readonly needsWhole: (newest: PagedCatalog, change: C, keeping: Keeping) => boolean
  /** The lists after the change, or why it cannot be made. */
  readonly apply: (catalog: PagedCatalog, change: C, terms: ChangeTerms) => Applied
  /** What the history says of the change, for people: `save 42`. */
  readonly describe: (change: C) => string
  /** The metrics of every step after the change. Omitted for changes that bring no metrics. */
  readonly recordMetrics?: (catalog: PagedCatalog, change: C) => LineList<RecordedMetrics>
  /** The segments of copies after the change. Omitted for changes that open none. */
  readonly openSegments?: (catalog: PagedCatalog, change: C) => Segments | undefined
  /** How retention applies in the same commit. Omitted for changes that drop nothing by retention. */
  readonly retain?: (change: C) => RetentionTerms
}

/** What a change depends on besides the catalog. */
export interface ChangeTerms {
  /** They decide which checkpoints of the catalog are the best. */
  readonly objectives: Objectives
  /** The present by the writer's clock. */
  readonly at: string
}

/** The lists after a change, or why it cannot be made. */
export type Applied = AppliedLists | Refusal

export interface AppliedLists {
  readonly kind: 'applied'
  readonly checkpoints: LineList<CatalogEntry>
  readonly quarantined: readonly Quarantined[]
  readonly dropped: readonly Drop[]
  readonly keeping: Catalog['keeping']
}

/** Why a change cannot be made. */
export interface Refusal {
  readonly kind: 'refused'
  readonly code: 'ALREADY_EXISTS' | 'NOT_FOUND' | 'INVALID_ARGUMENT'
  readonly why: string
  readonly hint?: ErrorHint | undefined
}

export function unchangedLists({ checkpoints, quarantined, keeping }: PagedCatalog): AppliedLists {
  return { kind: 'applied', checkpoints, quarantined, dropped: [], keeping }
}

export function drop({ step, attempt }: CatalogEntry, because: string): Drop {
  return { step, attempt, because }
}

/** A list of steps for the history, which every version contains: it names ten steps and counts the others. */
export function fewOf(steps: readonly number[]): string {
  const named = steps.slice(0, 10).join(' ')
  return steps.length <= 10 ? named : `${named} and ${steps.length - 10} more`
}
