import type { CatalogEntry, Drop, Removed } from '../../documents/index.ts'
import type { PagedCatalog } from '../../pages/index.ts'
import { graceOf } from '../../judging/recorded-keeping.ts'
import type { CommitRequest } from './writer.ts'

/** What a commit takes out of the list. */
export interface Removals {
  /** What an undo can list again. Its files stay. */
  readonly removed: readonly Removed[]
  /** What is dropped for good. */
  readonly dropped: readonly Drop[]
}

/** The latest time that a catalog can record. */
const latestTime = Date.UTC(9999, 0)

/**
 * Returns the time until which an undo can list again what a request drops; `undefined` if it drops for good, as every save
 * does. The files stay at least for the grace period, for readers with an older list.
 */
export function undoUntil(
  newest: PagedCatalog,
  { change, keeping, at }: Pick<CommitRequest, 'change' | 'keeping' | 'at'>,
): string | undefined {
  const isByPerson = change.kind === 'delete' || (change.kind === 'prune' && change.room === undefined)
  if (!isByPerson) return undefined
  const grace = graceOf(keeping, newest)
  const { undoFor = grace } = change
  if (undoFor === 0) return undefined
  return new Date(Math.min(Date.parse(at) + Math.max(undoFor, grace), latestTime)).toISOString()
}

/** Separates what a request drops for good from what an undo can list again. A quarantined checkpoint is dropped for good. */
export function removalsOf(newest: PagedCatalog, request: CommitRequest, dropped: readonly Drop[]): Removals {
  const until = undoUntil(newest, request)
  if (until === undefined) return { removed: [], dropped }
  const abandoned = new Map((newest.abandoned ?? []).map((entry) => [entry.attempt, entry]))
  const removed: Removed[] = []
  const forGood: Drop[] = []
  for (const each of dropped) {
    const { attempt, because, unmirrored } = each
    const left = abandoned.get(attempt)
    const entry = left ?? listedAs(newest, each)
    if (entry === undefined) {
      forGood.push(each)
      continue
    }
    removed.push({
      entry,
      version: newest.version + 1,
      at: request.at,
      until,
      because,
      ...(unmirrored === undefined ? {} : { unmirrored }),
      ...(left === undefined ? {} : { abandoned: true }),
    })
  }
  return { removed, dropped: forGood }
}

function listedAs({ checkpoints }: PagedCatalog, { step, attempt }: Drop): CatalogEntry | undefined {
  const entry = checkpoints.get(step)
  return entry?.attempt === attempt ? entry : undefined
}
