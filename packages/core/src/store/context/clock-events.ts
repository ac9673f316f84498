import { ListedCandidate } from '../../catalog/judging/candidate.ts'
import { isWhole, type PagedCatalog } from '../../catalog/pages/index.ts'
import { clockDoubts, usesTime } from '../../retention/index.ts'
import type { StoreContext } from './context.ts'

/** Emits an event for each reason not to trust the times of checkpoints, if the retention of this writer uses them. */
export function reportClockDoubts(
  { events, keeping, environment }: StoreContext,
  catalog: PagedCatalog,
  storeNow: Date | undefined,
): void {
  if (!usesTime(keeping.retention) || !isWhole(catalog)) return
  const checkpoints = catalog.checkpoints.all.map((entry) => new ListedCandidate(entry, undefined))
  for (const reason of clockDoubts(checkpoints, { now: environment.now(), storeNow }))
    events.emit('clockDoubted', { reason })
}
