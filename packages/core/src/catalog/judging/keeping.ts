import type { Present, RoomWanted } from '../../retention/index.ts'
import type {
  AttemptId,
  Catalog,
  CatalogEntry,
  Drop,
  MirrorRecord,
  RecordedMetrics,
} from '../documents/index.ts'
import { allRead, type LineList, type PagedCatalog } from '../pages/index.ts'
import { spaceHeldBy } from './candidate.ts'
import {
  hasFields,
  judge,
  type Judgement,
  type Keeping,
  type Lines,
  relisted,
  retain,
  retainAbandoned,
} from './judgement.ts'
import {
  keepingByOwn,
  keepingByRecorded,
  keepingOf,
  keepingInForce,
  recordObjectives,
  recordOf,
} from './recorded-keeping.ts'
import { type UnlistedCheckpoints, unlistedIn } from './unlisted.ts'

/** The retention and objectives of a writer, and the checkpoints that it uses. */
export interface WriterKeeping extends Keeping {
  /** The checkpoints that this process is restoring. */
  readonly restoring: Pick<ReadonlySet<AttemptId>, 'has'>
}

/** The keeping of a writer without a configuration, which drops nothing. */
export const keepsAll: WriterKeeping = { objectives: {}, retention: {}, restoring: new Set() }

/** Why a checkpoint that a rewind abandoned is dropped. */
export const becauseAbandoned = 'abandoned by a rewind'

/** How retention applies to one commit. */
export interface RetentionTerms {
  /** Whose retention decides what to drop: the writer's own, the one that the last save recorded, or the first of them. */
  readonly dropsBy: 'own retention' | 'recorded retention' | 'retention in force'
  /** The part of the writer's keeping that the catalog records. */
  readonly records: 'objectives and retention' | 'objectives'
  /** The attempt that this commit lists. It is kept. */
  readonly saved?: AttemptId | undefined
  /** The space to free in addition to what retention frees. */
  readonly room?: Pick<RoomWanted, 'bytes' | 'inodes' | 'because'> | undefined
  /** The current time by the clock of the store, if known. */
  readonly storeNow?: Date | undefined
}

/** The lists of a catalog that retention changes. */
export interface KeptLists {
  readonly checkpoints: LineList<CatalogEntry>
  /** Checkpoints that rewinds abandoned. */
  readonly abandoned: readonly CatalogEntry[]
  readonly dropped: readonly Drop[]
  readonly metrics: LineList<RecordedMetrics>
  readonly keeping: Catalog['keeping']
  /** The judgement of the lists, if retention needed it. */
  readonly judgement?: Judgement | undefined
}

const dropping = {
  'own retention': keepingByOwn,
  'recorded retention': keepingByRecorded,
  'retention in force': keepingInForce,
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
  const mayDropAbandoned = lists.abandoned.length > 0 && dropsAbandoned(terms, keeping, newest)
  const mayDropListed = hasFields(effective.retention) || terms.room !== undefined
  if (!mayDropListed && !mayDropAbandoned) return recorded
  const { abandoned } = lists
  const mirror = withWaiting(newest.mirror, terms.saved)
  const read = { checkpoints: allRead(lists.checkpoints), metrics: allRead(lists.metrics), abandoned, mirror }
  const judgement = judge(read, effective.objectives)
  const present = { now: new Date(at), storeNow: terms.storeNow }
  const inForce = { ...effective, retention: keepingOf(keeping, newest).retention }
  const abandonedDrops = mayDropAbandoned ? abandonedDropsOf(read, judgement, inForce, terms, present) : []
  const room = terms.room && besideDrops(terms.room, { ...newest, abandoned }, abandonedDrops)
  const dropped = [
    ...abandonedDrops,
    ...(mayDropListed ? dropsOf(read, judgement, effective, { ...terms, room }, present) : []),
  ]
  const waiting = new Set(mirror?.waiting)
  const gone = new Set(dropped.map(({ attempt }) => attempt))
  const isKept = ({ attempt }: CatalogEntry): boolean => !gone.has(attempt)
  const kept = {
    ...read,
    checkpoints: dropped.length === 0 ? read.checkpoints : read.checkpoints.filter(isKept),
    abandoned: abandoned.filter(isKept),
  }
  return {
    ...recorded,
    checkpoints: kept.checkpoints,
    abandoned: kept.abandoned,
    dropped: [
      ...lists.dropped,
      ...dropped.map((each) => (waiting.has(each.attempt) ? { ...each, unmirrored: true } : each)),
    ],
    judgement: relisted(judgement, kept),
  }
}

/** A save drops what rewinds abandoned, also that of a copy, unless the retention in force is not known completely. */
function dropsAbandoned({ dropsBy }: RetentionTerms, { retention }: Keeping, newest: PagedCatalog): boolean {
  if (dropsBy === 'recorded retention') return false
  return dropsBy === 'own retention' || hasFields(retention) || newest.keeping?.partial !== true
}

/** The checkpoint that a commit lists waits to be mirrored, too. */
function withWaiting(
  mirror: MirrorRecord | undefined,
  saved: AttemptId | undefined,
): MirrorRecord | undefined {
  if (mirror === undefined || saved === undefined) return mirror
  return { ...mirror, waiting: [...mirror.waiting, saved] }
}

/** The retention in force decides, also if this writer has none of its own. */
function abandonedDropsOf(
  lists: Lines,
  judgement: Judgement,
  keeping: WriterKeeping,
  terms: RetentionTerms,
  present: Present,
): readonly Drop[] {
  const reasons = retainAbandoned(lists, judgement, keeping.retention, present, inUseBy(keeping, terms))
  return (lists.abandoned ?? []).flatMap(({ step, attempt }) =>
    reasons.has(attempt) ? [] : [{ step, attempt, because: becauseAbandoned }],
  )
}

/** Returns the space to free by listed checkpoints, if these unlisted ones are dropped anyway. */
function besideDrops(room: RoomWanted, lists: UnlistedCheckpoints, drops: readonly Drop[]): RoomWanted {
  const dropped = new Set(drops.map(({ attempt }) => attempt))
  const unlisted = unlistedIn(lists)
  return {
    ...room,
    alsoHeld: unlisted.map(spaceHeldBy),
    alsoFreed: unlisted.filter(({ attempt }) => dropped.has(attempt)).map(spaceHeldBy),
  }
}

/** Why a checkpoint cannot be dropped now. */
function inUseBy(
  { restoring }: WriterKeeping,
  { saved }: RetentionTerms,
): (entry: CatalogEntry) => string | undefined {
  return ({ attempt }) => {
    if (attempt === saved) return 'just saved'
    return restoring.has(attempt) ? 'being restored' : undefined
  }
}

function dropsOf(
  lists: Lines,
  judgement: Judgement,
  keeping: WriterKeeping,
  terms: RetentionTerms,
  present: Present,
): readonly Drop[] {
  const { retention } = keeping
  const decisions = retain(lists, judgement, retention, present, inUseBy(keeping, terms), terms.room)
  const reasons = new Map(
    decisions.flatMap(({ step, kept, because }) => (kept ? [] : [[step, because.join(', ')]])),
  )
  return lists.checkpoints.all.flatMap(({ step, attempt }) => {
    const because = reasons.get(step)
    return because === undefined ? [] : [{ step, attempt, because }]
  })
}
