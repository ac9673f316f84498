import type { Committed } from '../../catalog/commit/catalog-log.ts'
import type { StoreContext } from '../context.ts'
import type { AttemptId, Drop } from '../../catalog/documents/index.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { keepingOf } from '../../catalog/judging/recorded-keeping.ts'
import { keepsAll } from '../../catalog/judging/keeping.ts'
import { deleteAttempts } from './delete-attempts.ts'

/**
 * Deletes what a commit dropped, or with a grace period what earlier ones dropped that long ago. What cannot be
 * deleted now is reported, and swept another time.
 */
export async function deleteDropped(
  context: StoreContext,
  committed: Committed,
  { evenInGrace = false } = {},
): Promise<void> {
  const { backend, events, deleted } = context
  for (const { step, because } of committed.dropped) events.emit('dropped', { step, because })
  const due =
    evenInGrace || graceOf(context, committed.catalog) === 0
      ? committed.dropped
      : overdue(context, committed.catalog)
  const attempts = due.map(({ attempt }) => attempt).filter((attempt) => !deleted.has(attempt))
  if (attempts.length === 0) return
  try {
    const { failed } = await deleteAttempts(backend, attempts)
    for (const attempt of attempts) deleted.add(attempt)
    const [failure] = failed
    if (failure !== undefined) {
      events.emit('cleanupFailed', { keys: failed.map(({ key }) => key), error: failure.error })
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    events.emit('cleanupFailed', { keys: attempts, error })
  }
}

/** Attempts that were dropped so lately that a reader may still go by a list that has them. */
export function inGrace(context: StoreContext, catalog: PagedCatalog): ReadonlySet<AttemptId> {
  const late = new Set(overdue(context, catalog).map(({ attempt }) => attempt))
  const all = catalog.history.flatMap(({ dropped }) => dropped.map(({ attempt }) => attempt))
  return new Set(all.filter((attempt) => !late.has(attempt)))
}

/** By the clocks of those who dropped them and of this process: a grace period is a courtesy, no promise hangs on it. */
function overdue(context: StoreContext, catalog: PagedCatalog): readonly Drop[] {
  const until = context.environment.now().getTime() - graceOf(context, catalog)
  return catalog.history.flatMap(({ at, dropped }) =>
    at === undefined || new Date(at).getTime() <= until ? dropped : [],
  )
}

/** How long what is dropped stays, in milliseconds: the longer of what this process and the last save want. */
export function graceOf({ keeping }: StoreContext, catalog: PagedCatalog): number {
  const recorded = keepingOf(keepsAll, catalog)
  return Math.max(keeping.retention.grace ?? 0, recorded.retention.grace ?? 0)
}
