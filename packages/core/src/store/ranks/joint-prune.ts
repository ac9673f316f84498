import { keepingOf } from '../../catalog/judging/recorded-keeping.ts'
import { usesTime } from '../../retention/index.ts'
import { deleteDropped } from '../attempts/delete-dropped.ts'
import { storeTime } from '../upkeep/store-time.ts'
import { type PruneOptions, type PruneReport, pruneStore, type PruneWriter } from '../upkeep/prune.ts'
import { superseded } from './errors.ts'
import type { Member } from './member.ts'
import { pollsBeforeCommit } from './rules.ts'
import { isOwnerIn } from './take-over.ts'
import { pollUntil } from './wait.ts'
import { HoldfastError } from '../../errors.ts'

/**
 * Applies the retention of the job in one commit of one rank. Any number of ranks may call it. Each rank reports what it found
 * to drop. One rank commits at once, and the others only if that takes several polls.
 */
export async function pruneJointly(
  member: Member,
  options: PruneOptions,
  timeout: number,
): Promise<PruneReport> {
  const { context, own, rank, size } = member
  const { signal } = options
  const writer = writerOf(member)
  // The job prunes by itself, and not at the request of a person.
  const forGood = { ...options, undoFor: 0 }
  const plan = await pruneStore(context, writer, { ...forGood, dryRun: true })
  if (plan.dropped.length === 0) return plan
  let polls = 0
  return pollUntil(
    context,
    timeout,
    signal,
    async () => {
      const newest = await context.log.newest(signal)
      if (!isOwnerIn(newest, member)) throw superseded(own.term, context.backend.url)
      const left = await pruneStore(context, writer, { ...forGood, dryRun: true })
      if (left.dropped.length === 0) {
        const { dropped, freedBytes } = plan
        return { ...left, dropped, freedBytes }
      }
      polls += 1
      const isTurn =
        newest.latest === undefined || polls > pollsBeforeCommit(rank, newest.latest.attempt, size)
      return isTurn ? pruneStore(context, writer, forGood) : undefined
    },
    () =>
      new HoldfastError('UNAVAILABLE', 'The store accepted no commit in time. Try again.', {
        url: context.backend.url,
      }),
  )
}

function writerOf({ context, access }: Member): PruneWriter {
  return {
    free: (change, signal) =>
      access.freeing(signal, async () => {
        const committed = await context.log.commit(await change(), signal)
        await deleteDropped(context, committed)
        return committed
      }),
    timeForRetention: async (signal) => {
      const recorded = keepingOf(context.keeping, await context.log.newest(signal)).retention
      const isRequired = usesTime(context.keeping.retention) || usesTime(recorded)
      return isRequired ? storeTime(context, signal) : undefined
    },
  }
}
