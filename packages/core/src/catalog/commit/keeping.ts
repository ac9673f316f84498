import type { Present, RoomWanted } from '../../retention/index.ts'
import {
  type AttemptId,
  type Catalog,
  type CatalogEntry,
  type Drop,
  partsOfAttempt,
  type RecordedMetrics,
} from '../documents/index.ts'
import { hasFields, judge, type Keeping, retain } from '../judging/judgement.ts'
import { droppingOf, droppingOfAttach, recordObjectives, recordOf } from '../judging/recorded-keeping.ts'
import { type PagedCatalog, type PagedList } from '../pages/index.ts'
import type { Applied, Change } from './changes.ts'

/** What a writer keeps, and what it is working on. */
export interface WriterKeeping extends Keeping {
  /** Checkpoints that this process is restoring. */
  readonly restoring: Pick<ReadonlySet<AttemptId>, 'has'>
}

/** Of a writer that was told nothing: whatever is saved stays. */
export const keepsAll: WriterKeeping = { objectives: {}, retention: {}, restoring: new Set() }

/** What a commit leaves, after the change itself. */
export interface Kept {
  readonly checkpoints: PagedList<CatalogEntry>
  readonly dropped: readonly Drop[]
  readonly metrics: PagedList<RecordedMetrics>
  readonly keeping: Catalog['keeping']
}

/**
 * Records the metrics that a change brings, and decides anew what to keep: in the same commit, so that the list, the
 * latest and the best never disagree.
 */
export function applyKeeping(
  newest: PagedCatalog,
  change: Change,
  applied: Extract<Applied, { kind: 'applied' }>,
  keeping: WriterKeeping,
  at: string,
): Kept {
  const metrics = recordMetrics(newest, change)
  const unchanged = {
    checkpoints: applied.checkpoints,
    dropped: applied.dropped,
    metrics,
    keeping: applied.keeping,
  }
  if (change.kind !== 'save' && change.kind !== 'attach' && change.kind !== 'prune') return unchanged
  const saved = change.kind === 'save' ? change.entry.attempt : undefined
  const room = change.kind === 'prune' ? change.room : undefined
  const dropping = change.kind === 'attach' ? droppingOfAttach : droppingOf
  const effective = { ...keeping, ...dropping(keeping, newest) }
  const dropped = dropsOf(applied.checkpoints, metrics, effective, saved, room, {
    now: new Date(at),
    storeNow: storeNowOf(change),
  })
  const gone = new Set(dropped.map(({ attempt }) => attempt))
  return {
    checkpoints:
      dropped.length === 0
        ? applied.checkpoints
        : applied.checkpoints.filter(({ attempt }) => !gone.has(attempt)),
    dropped: [...applied.dropped, ...dropped],
    metrics,
    keeping: (change.kind === 'save' ? recordOf : recordObjectives)(keeping, newest.keeping),
  }
}

/** A save has asked the store for the time when its manifest was stored. */
function storeNowOf(change: Extract<Change, { kind: 'save' | 'attach' | 'prune' }>): Date | undefined {
  if (change.kind !== 'save') return change.storeNow
  return change.entry.storedAt === undefined ? undefined : new Date(change.entry.storedAt)
}

function dropsOf(
  checkpoints: PagedList<CatalogEntry>,
  metrics: PagedList<RecordedMetrics>,
  keeping: WriterKeeping,
  saved: AttemptId | undefined,
  room: RoomWanted | undefined,
  present: Present,
): readonly Drop[] {
  if (!hasFields(keeping.retention) && room === undefined) return []
  const inUse = ({ attempt }: CatalogEntry): string | undefined => {
    if (attempt === saved) return 'just saved'
    return keeping.restoring.has(attempt) ? 'being restored' : undefined
  }
  const lists = { checkpoints, metrics }
  const judgement = judge(lists, keeping.objectives)
  const decisions = retain(lists, judgement, keeping.retention, present, inUse, room)
  const reasons = new Map(
    decisions.flatMap(({ step, kept, because }) => (kept ? [] : [[step, because.join(', ')]])),
  )
  return checkpoints.all.flatMap(({ step, attempt }) => {
    const because = reasons.get(step)
    return because === undefined ? [] : [{ step, attempt, because }]
  })
}

/** The history of metrics outlives its checkpoints: one line a step, in the order of the steps. */
function recordMetrics(
  { metrics: history, checkpoints: listed }: PagedCatalog,
  change: Change,
): PagedList<RecordedMetrics> {
  if (change.kind === 'save') return withRecord(history, change.entry, change.entry.metrics)
  if (change.kind === 'rebuild') {
    const known = new Set(listed.all.map(({ attempt }) => attempt))
    const found = change.checkpoints.filter(
      ({ attempt, step }) => !known.has(attempt) || history.get(step) === undefined,
    )
    const steps = new Set(found.map(({ step }) => step))
    const records = found.flatMap((entry) =>
      hasFields(entry.metrics) ? [recordedOf(entry, entry.metrics)] : [],
    )
    return history.replacedBy(
      [...history.all.filter(({ step }) => !steps.has(step)), ...records].sort(
        (one, other) => one.step - other.step,
      ),
    )
  }
  if (change.kind !== 'attach') return history
  const entry = listed.get(change.step)
  if (entry === undefined) return history
  return withRecord(history, entry, { ...history.get(change.step)?.metrics, ...change.metrics })
}

function withRecord(
  history: PagedList<RecordedMetrics>,
  entry: CatalogEntry,
  metrics: RecordedMetrics['metrics'],
): PagedList<RecordedMetrics> {
  return history.with(entry.step, hasFields(metrics) ? recordedOf(entry, metrics) : undefined)
}

/** A metric that is attached later belongs to its checkpoint, and counts from when that was saved. */
function recordedOf({ step, attempt }: CatalogEntry, metrics: RecordedMetrics['metrics']): RecordedMetrics {
  return { step, metrics, order: partsOfAttempt(attempt).base }
}
