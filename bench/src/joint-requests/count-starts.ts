import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RanksOptions } from '@holdfast/core'
import type { S3Emulator } from '@holdfast/emulators'
import type { RankRequests } from './count-joint-save.ts'
import { endRank, type PlayedRank, playRank, shardOf, startJobEmulator } from './played-rank.ts'

/** What one process of a rank sent, from its start to its end. */
export interface ProcessRequests extends Omit<RankRequests, 'isCommitting'> {
  /** The number of requests by operation. */
  readonly operations: Readonly<Record<string, number>>
}

/** What the ranks of a job sent, each as a list by rank. */
export interface StartRequests {
  /** For the first start of a new store. */
  readonly first: readonly ProcessRequests[]
  /** For the next start of the job. */
  readonly next: readonly ProcessRequests[]
  /** For a save by a process of its own, as `holdfast save --member` is. With the payload. */
  readonly saves: readonly (ProcessRequests & Pick<RankRequests, 'isCommitting'>)[]
}

/** The step of the save that is counted follows the one from which the job resumes. */
const steps = { resumed: 1, counted: 2 }

/**
 * Plays a job of `size` ranks in this process on the S3 emulator, and counts what its starts send, and what a save sends if each
 * rank saves with a process of its own. The ranks wait as in production between two looks.
 */
export async function countStarts(size: number): Promise<StartRequests> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-starts-'))
  await using emulator = await startJobEmulator()
  try {
    const ranks = Array.from({ length: size }, (_, rank) => rank)
    const memberFile = (rank: number): string => join(folder, `member-${rank}`)
    const starting = ranks.map((rank) => ({ rank, size, memberFile: memberFile(rank) }))
    const continuing = ranks.map((rank) => ({ memberFile: memberFile(rank) }))
    const joins = async ({ store }: PlayedRank): Promise<unknown> => store.join()
    const saves =
      (step: number) =>
      async ({ store }: PlayedRank, rank: number) =>
        store.save({ step, files: shardOf(rank, step) })
    const first = await playAll(emulator, starting, joins)
    await playAll(emulator, continuing, saves(steps.resumed))
    const next = await playAll(emulator, starting, joins)
    const saved = await playAll(emulator, continuing, saves(steps.counted))
    return {
      first,
      next,
      saves: saved.map(({ result, ...sent }, rank) => ({
        ...sent,
        isCommitting: result.committedBy === rank,
      })),
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Lets a process of each rank do some work, all at the same time, and end. */
async function playAll<Result>(
  emulator: S3Emulator,
  places: readonly RanksOptions[],
  work: (played: PlayedRank, rank: number) => Promise<Result>,
): Promise<readonly (ProcessRequests & { readonly result: Result })[]> {
  return Promise.all(
    places.map(async (place, rank) => {
      const played = await playRank(emulator, place)
      try {
        const result = await work(played, rank)
        await played.store.flush()
        const { requests } = played.proxy
        return { result, requests: requests.count(), polls: played.polls, operations: requests.counts() }
      } finally {
        await endRank(played)
      }
    }),
  )
}
