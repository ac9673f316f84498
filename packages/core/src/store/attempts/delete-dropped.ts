import type { Committed } from '../../catalog/commit/catalog-log.ts'
import type { StoreContext } from '../context/context.ts'
import type { AttemptId, Drop } from '../../catalog/documents/index.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { graceOf } from '../../catalog/judging/recorded-keeping.ts'
import { deleteAttempts } from './delete-attempts.ts'

/**
 * Reports what a commit took out of the list, and deletes the attempts that it dropped. With a grace period, deletes those
 * that earlier commits dropped that long ago. Reports attempts that cannot be deleted now. A later sweep deletes them.
 */
export async function deleteDropped(
  context: StoreContext,
  committed: Committed,
  { evenInGrace = false } = {},
): Promise<void> {
  const { backend, events, deleted } = context
  for (const { step, because, unmirrored } of goneFromList(committed)) {
    events.emit('dropped', { step, because })
    if (unmirrored === true) events.emit('droppedUnmirrored', { step, because })
  }
  const due =
    evenInGrace || graceOf(context.keeping, committed.catalog) === 0
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

/** What a commit dropped or removed. What expired was removed from the list by an earlier commit. */
function goneFromList({ dropped, removed }: Committed): readonly Omit<Drop, 'attempt'>[] {
  return [
    ...dropped.filter(({ expired }) => expired !== true),
    ...removed.map(({ entry, because, unmirrored }) => ({ step: entry.step, because, unmirrored })),
  ]
}

/** Returns attempts that were dropped so recently that a reader may still use an older list. */
export function inGrace(context: StoreContext, catalog: PagedCatalog): ReadonlySet<AttemptId> {
  const late = new Set(overdue(context, catalog).map(({ attempt }) => attempt))
  const all = catalog.history.flatMap(({ dropped }) => dropped.map(({ attempt }) => attempt))
  return new Set(all.filter((attempt) => !late.has(attempt)))
}

/** Compares the clocks of several processes. This is acceptable, because no promise depends on the grace period. */
function overdue(context: StoreContext, catalog: PagedCatalog): readonly Drop[] {
  const until = context.environment.now().getTime() - graceOf(context.keeping, catalog)
  return catalog.history.flatMap(({ at, dropped }) =>
    at === undefined || new Date(at).getTime() <= until
      ? dropped
      : dropped.filter(({ expired }) => expired === true),
  )
}
