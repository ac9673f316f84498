import type { ErrorHint } from '../../../hints.ts'
import { compareSaves, type OrderKey } from '../../../order-key.ts'
import type { Objectives } from '../../../metrics/index.ts'
import type {
  Catalog,
  CatalogEntry,
  Drop,
  MirrorRecord,
  Quarantined,
  RecordedMetrics,
  Removed,
  Segments,
} from '../../documents/index.ts'
import type { Keeping } from '../../judging/judgement.ts'
import type { RetentionTerms } from '../../judging/keeping.ts'
import type { LineList, PagedCatalog } from '../../pages/index.ts'

/** The behaviour of one kind of change. Every member is a pure function. */
export interface KindOfChange<C> {
  /** Whether the change requires all lines of the newest version. */
  readonly needsWhole: (newest: PagedCatalog, change: C, keeping: Keeping) => boolean
  /** Returns the lists after the change, or the reason to refuse it. */
  readonly apply: (catalog: PagedCatalog, change: C, terms: ChangeTerms) => Applied
  /** Returns the description of the change in the history, such as `save 42`. */
  readonly describe: (change: C) => string
  /** Returns the metrics of every step after the change. Omitted for changes that add no metrics. */
  readonly recordMetrics?: (catalog: PagedCatalog, change: C) => LineList<RecordedMetrics>
  /** Returns the segments of copies after the change. Omitted for changes that open no segments. */
  readonly openSegments?: (catalog: PagedCatalog, change: C) => Segments | undefined
  /** Returns the record of the mirror after the change. Omitted for changes that do not concern the mirror. */
  readonly mirror?: (catalog: PagedCatalog, change: C) => MirrorRecord | undefined
  /** Returns how retention applies in the same commit. Omitted for changes to which retention does not apply. */
  readonly retain?: (change: C) => RetentionTerms
}

/** The facts that a change depends on, other than the catalog. */
export interface ChangeTerms {
  /** The objectives, which decide which checkpoints are the best. */
  readonly objectives: Objectives
  /** The current time by the clock of the writer. */
  readonly at: string
}

/** The lists after a change, or the reason to refuse it. */
export type Applied = AppliedLists | Refusal

export interface AppliedLists {
  readonly kind: 'applied'
  readonly checkpoints: LineList<CatalogEntry>
  readonly quarantined: readonly Quarantined[]
  /** Checkpoints that rewinds abandoned, in the order of their saves. */
  readonly abandoned: readonly CatalogEntry[]
  /** Checkpoints that a person removed and an undo can list again, the earliest removed first. */
  readonly removed: readonly Removed[]
  readonly dropped: readonly Drop[]
  readonly keeping: Catalog['keeping']
  /** The counts of restores after the change. */
  readonly tries: NonNullable<Catalog['tries']>
  /** The order key that a rewind gives. Omitted for changes that are no rewind. */
  readonly rewound?: OrderKey | undefined
}

/** The reason to refuse a change. */
export interface Refusal {
  readonly kind: 'refused'
  readonly code: 'ALREADY_EXISTS' | 'NOT_FOUND' | 'INVALID_ARGUMENT'
  readonly why: string
  readonly hint?: ErrorHint | undefined
}

export function unchangedLists({
  checkpoints,
  quarantined,
  abandoned = [],
  removed = [],
  keeping,
  tries = [],
}: PagedCatalog): AppliedLists {
  return { kind: 'applied', checkpoints, quarantined, abandoned, removed, dropped: [], keeping, tries }
}

/** Changes the checkpoint of each step in turn. Returns the first refusal, and then changes nothing. */
export function changeEach(
  catalog: PagedCatalog,
  steps: readonly number[],
  changeOne: (lists: AppliedLists, step: number) => Applied,
): Applied {
  let lists = unchangedLists(catalog)
  for (const step of steps) {
    const next = changeOne(lists, step)
    if (next.kind === 'refused') return next
    lists = next
  }
  return lists
}

/** The latest save last. */
export function inOrderOfSaves(entries: readonly CatalogEntry[]): readonly CatalogEntry[] {
  return entries.toSorted(compareSaves)
}

/** Replaces an abandoned checkpoint by its attempt. */
export function withAbandoned(
  abandoned: readonly CatalogEntry[],
  changed: CatalogEntry,
): readonly CatalogEntry[] {
  return abandoned.map((entry) => (entry.attempt === changed.attempt ? changed : entry))
}

export function drop({ step, attempt }: CatalogEntry, because: string): Drop {
  return { step, attempt, because }
}

/** Formats a list of steps for the history, which every version contains. Names ten steps and counts the others. */
export function fewOf(steps: readonly number[]): string {
  const named = steps.slice(0, 10).join(' ')
  return steps.length <= 10 ? named : `${named} and ${steps.length - 10} more`
}
