import type { AttemptId } from '../../catalog/documents/index.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'

/** Which removed checkpoints to drop for good: all, or those whose time for an undo has ended. */
export type Forgotten = 'all' | 'expired'

/**
 * Returns the attempts of the removed checkpoints to drop for good. Compares the clocks of several processes, as `grace`
 * does.
 */
export function toForget({ removed = [] }: PagedCatalog, which: Forgotten, now: Date): readonly AttemptId[] {
  return removed.flatMap(({ entry, until }) =>
    which === 'all' || Date.parse(until) <= now.getTime() ? [entry.attempt] : [],
  )
}

/** Whether the time for an undo of a removed checkpoint has ended. */
export function isExpired(catalog: PagedCatalog, now: Date): boolean {
  return toForget(catalog, 'expired', now).length > 0
}
