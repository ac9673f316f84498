import type { Change } from '../../catalog/commit/changes/index.ts'
import type { AttemptId } from '../../catalog/documents/index.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import type { Member } from './member.ts'
import { pollsBeforeCommit } from './rules.ts'
import { isOwnerIn } from './take-over.ts'
import { pollUntil } from './wait.ts'

/** A change that the ranks of a term commit once. */
export interface JointChange {
  readonly change: Change
  /** The checkpoint that it concerns. It decides which rank commits first. */
  readonly attempt: AttemptId
  /** Whether a rank has committed the change, or it is not possible any more. */
  readonly isDone: (catalog: PagedCatalog) => boolean
}

/**
 * Resolves once one of the ranks has committed a change. One rank commits at once, and the others only if that takes several
 * polls. Returns a version that has the change; `undefined` if a later term has owned the store.
 */
export async function commitTogether(
  member: Member,
  { change, attempt, isDone }: JointChange,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<PagedCatalog | undefined> {
  const { context, rank, size } = member
  let polls = 0
  const outcome = await pollUntil(
    context,
    timeout,
    signal,
    async (): Promise<PagedCatalog | 'superseded' | undefined> => {
      const newest = await context.log.newest(signal)
      if (!isOwnerIn(newest, member)) return 'superseded'
      if (isDone(newest)) return newest
      polls += 1
      if (polls <= pollsBeforeCommit(rank, attempt, size)) return undefined
      try {
        return (await context.log.commit(change, signal)).catalog
      } catch (error) {
        if (isHoldfastError(error, 'FENCED', 'OUTCOME_UNKNOWN')) return undefined // the next poll judges
        throw error
      }
    },
    () =>
      new HoldfastError('UNAVAILABLE', 'The store accepted no commit in time. Try again.', {
        url: context.backend.url,
      }),
  )
  return outcome === 'superseded' ? undefined : outcome
}
