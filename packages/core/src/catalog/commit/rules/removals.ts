import type { CatalogEntry, Drop, Removed } from '../../documents/index.ts'
import type { PagedCatalog } from '../../pages/index.ts'
import { graceOf } from '../../judging/recorded-keeping.ts'
import { undoUntil } from '../../judging/undo-until.ts'
import type { Refusal } from '../changes/index.ts'
import type { CommitRequest } from './writer.ts'

/** What a commit takes out of the list. */
export interface Removals {
  readonly kind: 'removals'
  /** What an undo can list again. Its files stay. */
  readonly removed: readonly Removed[]
  /** What is dropped for good. */
  readonly dropped: readonly Drop[]
}

/** The largest number of checkpoints that can be undone. Each version of the catalog contains all of them. */
const mostRemoved = 1_000

/** Until when an undo can list again what a request takes out of the list. `undefined` states that it drops for good. */
export interface UndoTime {
  readonly kind: 'until'
  readonly time: string | undefined
}

/**
 * Decides until when an undo can list again `count` checkpoints that a request takes out of the list. A save drops for good, and so
 * does a deletion of more checkpoints than a catalog can have removed, unless its caller wants to undo it: then it is refused.
 * The files stay at least for the grace period, for readers with an older list.
 */
export function undoTime(
  newest: PagedCatalog,
  { change, keeping, at }: Pick<CommitRequest, 'change' | 'keeping' | 'at'>,
  count: number,
): UndoTime | Refusal {
  const duration = undoDuration(newest, { change, keeping })
  if (duration === undefined) return { kind: 'until', time: undefined }
  // Those whose time has ended are deleted before this commit, or by the next save.
  const before = (newest.removed ?? []).filter(({ until }) => Date.parse(until) > Date.parse(at)).length
  if (before + count > mostRemoved)
    return hasTime(change) ? tooMany(before, count) : { kind: 'until', time: undefined }
  return { kind: 'until', time: undoUntil(at, duration) }
}

/**
 * Returns how many milliseconds an undo of a change is possible, if the catalog has room for what it removes. `undefined` states
 * that the change drops for good, as every save does.
 */
function undoDuration(
  newest: PagedCatalog,
  { change, keeping }: Pick<CommitRequest, 'change' | 'keeping'>,
): number | undefined {
  const isByPerson = change.kind === 'delete' || (change.kind === 'prune' && change.room === undefined)
  if (!isByPerson) return undefined
  const grace = graceOf(keeping, newest)
  const { undoFor = grace } = change
  return undoFor === 0 ? undefined : Math.max(undoFor, grace)
}

/** Whether the caller wants to undo the change. */
function hasTime(change: CommitRequest['change']): boolean {
  return 'undoFor' in change && change.undoFor !== undefined
}

/** Separates what a request drops for good from what an undo can list again. A quarantined checkpoint is dropped for good. */
export function removalsOf(
  newest: PagedCatalog,
  request: CommitRequest,
  dropped: readonly Drop[],
): Removals | Refusal {
  // Before any entry is looked up, because a save has not read all pages.
  if (undoDuration(newest, request) === undefined) return { kind: 'removals', removed: [], dropped }
  const abandoned = new Map((newest.abandoned ?? []).map((entry) => [entry.attempt, entry]))
  const undoable: Omit<Removed, 'until'>[] = []
  const forGood: Drop[] = []
  for (const each of dropped) {
    const { attempt, because, unmirrored } = each
    const left = abandoned.get(attempt)
    const entry = left ?? listedAs(newest, each)
    if (entry === undefined) {
      forGood.push(each)
      continue
    }
    undoable.push({
      entry,
      version: newest.version + 1,
      at: request.at,
      because,
      ...(unmirrored === undefined ? {} : { unmirrored }),
      ...(left === undefined ? {} : { abandoned: true }),
    })
  }
  const until = undoTime(newest, request, undoable.length)
  if (until.kind === 'refused') return until
  const { time } = until
  if (time === undefined) return { kind: 'removals', removed: [], dropped }
  const removed = undoable.map(({ entry, version, at, ...rest }) => ({
    entry,
    version,
    at,
    until: time,
    ...rest,
  }))
  return { kind: 'removals', removed, dropped: forGood }
}

function tooMany(before: number, count: number): Refusal {
  const others = before === 0 ? '' : `, and ${before} deleted before can still be undone`
  return {
    kind: 'refused',
    code: 'INVALID_ARGUMENT',
    why:
      `At most ${mostRemoved} deleted checkpoints can be undone at a time. This would delete ${count}${others}. ` +
      'Delete fewer at once, or let the undo end at once (0 s).',
    hint: undefined,
  }
}

function listedAs({ checkpoints }: PagedCatalog, { step, attempt }: Drop): CatalogEntry | undefined {
  const entry = checkpoints.get(step)
  return entry?.attempt === attempt ? entry : undefined
}
