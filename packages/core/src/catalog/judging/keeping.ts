import type { Present, RoomWanted } from '../../retention/index.ts'
import type { AttemptId, Catalog, CatalogEntry, Drop, RecordedMetrics } from '../documents/index.ts'
import { allRead, type LineList, type PagedCatalog } from '../pages/index.ts'
import { hasFields, judge, type Judgement, type Keeping, type Lines, relisted, retain } from './judgement.ts'
import {
  droppingOf,
  droppingOfAttach,
  keepingOfCopies,
  recordObjectives,
  recordOf,
} from './recorded-keeping.ts'

/** The retention and objectives of a writer, and the checkpoints that it uses. */
export interface WriterKeeping extends Keeping {
  /** The checkpoints that this process is restoring. */
  readonly restoring: Pick<ReadonlySet<AttemptId>, 'has'>
}

/** The keeping of a writer without a configuration, which drops nothing. */
export const keepsAll: WriterKeeping = { objectives: {}, retention: {}, restoring: new Set() }

/** How retention applies to one commit. */
export interface RetentionTerms {
  /** Whose retention decides what to drop: the writer's own, the one that the last save recorded, or the first of them. */
  readonly dropsBy: 'own retention' | 'recorded retention' | 'retention in force'
  /** The part of the writer's keeping that the catalog records. */
  readonly records: 'objectives and retention' | 'objectives'
  /** The attempt that this commit lists. It is kept. */
  readonly saved?: AttemptId | undefined
  /** The space to free in addition to what retention frees. */
  readonly room?: RoomWanted | undefined
  /** The current time by the clock of the store, if known. */
  readonly storeNow?: Date | undefined
}

/** The lists of a catalog that retention changes. */
export interface KeptLists {
  readonly checkpoints: LineList<CatalogEntry>
  readonly dropped: readonly Drop[]
  readonly metrics: LineList<RecordedMetrics>
  readonly keeping: Catalog['keeping']
  /** The judgement of the lists, if retention needed it. */
  readonly judgement?: Judgement | undefined
}

const dropping = {
  'own retention': droppingOf,
  'recorded retention': droppingOfAttach,
  'retention in force': keepingOfCopies,
} as const

/**
 * Decides which checkpoints of the changed lists to keep. The decision is part of the same commit, so that the list,
 * the latest and the best checkpoint never disagree.
 */
export function applyRetention(
  newest: PagedCatalog,
  lists: KeptLists,
  terms: RetentionTerms,
  keeping: WriterKeeping,
  at: string,
): KeptLists {
  const effective = { ...keeping, ...dropping[terms.dropsBy](keeping, newest) }
  const record = terms.records === 'objectives' ? recordObjectives : recordOf
  const recorded = { ...lists, keeping: record(keeping, newest.keeping) }
  if (!hasFields(effective.retention) && terms.room === undefined) return recorded
  const read = { checkpoints: allRead(lists.checkpoints), metrics: allRead(lists.metrics) }
  const judgement = judge(read, effective.objectives)
  const present = { now: new Date(at), storeNow: terms.storeNow }
  const dropped = dropsOf(read, judgement, effective, terms, present)
  const gone = new Set(dropped.map(({ attempt }) => attempt))
  const checkpoints =
    dropped.length === 0 ? read.checkpoints : read.checkpoints.filter(({ attempt }) => !gone.has(attempt))
  return {
    ...recorded,
    checkpoints,
    dropped: [...lists.dropped, ...dropped],
    judgement: relisted(judgement, checkpoints),
  }
}

function dropsOf(
  lists: Lines,
  judgement: Judgement,
  { retention, restoring }: WriterKeeping,
  { saved, room }: RetentionTerms,
  present: Present,
): readonly Drop[] {
  const inUse = ({ attempt }: CatalogEntry): string | undefined => {
    if (attempt === saved) return 'just saved'
    return restoring.has(attempt) ? 'being restored' : undefined
  }
  const decisions = retain(lists, judgement, retention, present, inUse, room)
  const reasons = new Map(
    decisions.flatMap(({ step, kept, because }) => (kept ? [] : [[step, because.join(', ')]])),
  )
  return lists.checkpoints.all.flatMap(({ step, attempt }) => {
    const because = reasons.get(step)
    return because === undefined ? [] : [{ step, attempt, because }]
  })
}
