import type { LoggedRequest } from '@holdfast/emulators/proxy'
import { endRank, type PlayedRank, playRank, shardOf, startJobEmulator } from './played-rank.ts'

/** What the ranks of a job sent for one joint save. */
export interface JointSaveRequests {
  readonly size: number
  /** All requests of all ranks, with the payload. */
  readonly total: number
  /** By class of price: writes and lists, reads, and deletions, which are free. */
  readonly writes: number
  readonly reads: number
  readonly deletions: number
  readonly ranks: readonly RankRequests[]
}

export interface RankRequests {
  readonly isCommitting: boolean
  /** Requests other than those for the payload. */
  readonly requests: number
  /** How often the rank looked at the store while it waited. */
  readonly polls: number
}

/** The first save joins the job. The second one shows what each further save costs. */
const steps = { warmUp: 1, measured: 2 }

/**
 * Plays a job of `size` ranks in this process on the S3 emulator, and counts the requests of one joint save. Each rank saves one
 * small file. The ranks wait as in production between two looks.
 */
export async function countJointSave(size: number): Promise<JointSaveRequests> {
  await using emulator = await startJobEmulator()
  const ranks = await Promise.all(
    Array.from({ length: size }, (_, rank) => playRank(emulator, { rank, size })),
  )
  try {
    await saveAll(ranks, steps.warmUp)
    for (const rank of ranks) await rank.store.flush()
    for (const rank of ranks) {
      rank.proxy.requests.clear()
      rank.polls = 0
    }
    const committedBy = await saveAll(ranks, steps.measured)
    for (const rank of ranks) await rank.store.flush()
    return resultOf(ranks, committedBy)
  } finally {
    for (const rank of ranks) await endRank(rank)
  }
}

/** Saves a step with all ranks. Returns the rank that committed. */
async function saveAll(ranks: readonly PlayedRank[], step: number): Promise<number | undefined> {
  const saved = await Promise.all(
    ranks.map(({ store }, rank) => store.save({ step, files: shardOf(rank, step) })),
  )
  return saved[0]?.committedBy
}

function resultOf(ranks: readonly PlayedRank[], committedBy: number | undefined): JointSaveRequests {
  return {
    size: ranks.length,
    ...classesOf(ranks.flatMap(({ proxy }) => [...proxy.requests])),
    ranks: ranks.map(({ proxy, polls }, rank) => ({
      isCommitting: rank === committedBy,
      requests: proxy.requests.count() - 1,
      polls: polls + 1,
    })),
  }
}

/** Counts requests by their class of price. */
export function classesOf(
  all: readonly LoggedRequest[],
): Pick<JointSaveRequests, 'total' | 'writes' | 'reads' | 'deletions'> {
  const deletions = all.filter(
    ({ operation, method }) => method === 'DELETE' || operation === 'DeleteObjects',
  )
  const reads = all.filter(({ method, operation }) => method === 'HEAD' || operation === 'GetObject')
  return {
    total: all.length,
    writes: all.length - reads.length - deletions.length,
    reads: reads.length,
    deletions: deletions.length,
  }
}
