import { setImmediate } from 'node:timers/promises'
import {
  type CheckpointBackend,
  type CheckpointStore,
  systemEnvironment,
  type Environment,
} from '../../../src/index.ts'
import { abortedError } from '../../../src/errors.ts'
import type { RankPlace, RanksOptions } from '../../../src/store/ranks/options.ts'
import type { StoreOptions } from '../../../src/store/options.ts'
import { storeOn } from '../../stores.ts'

type JobOptions = StoreOptions &
  Partial<Pick<RankPlace, 'memberFile'> & Pick<RanksOptions, 'joinTimeout' | 'saveTimeout'>> & {
    /** Returns the environment of a rank. Default: `busyEnvironment`. */
    readonly environmentOf?: () => Environment
  }

/** Polls without waiting. */
export const busyEnvironment: Environment = {
  ...systemEnvironment,
  pause: async (_, signal) => {
    await setImmediate()
    if (signal?.aborted === true) throw abortedError(signal, 'The pause')
  },
}

/** Polls without waiting. Time passes only in pauses, so a slow machine polls as often as a fast one before a timeout. */
export function timelapse(): Environment {
  let now = Date.now()
  return {
    ...busyEnvironment,
    now: () => new Date(now),
    pause: async (milliseconds, signal) => {
      now += milliseconds
      await busyEnvironment.pause(0, signal)
    },
  }
}

/** For ranks that restore: the time of a `timelapse` passes fast while a rank waits for the disk of another one. */
export const longJoin = { joinTimeout: 1e9 } as const

/** Opens the store as one rank of a job. */
export function rankOn(
  backend: CheckpointBackend,
  rank: number,
  size: number,
  {
    joinTimeout = 10_000,
    saveTimeout = 10_000,
    memberFile,
    environmentOf = () => busyEnvironment,
    ...options
  }: JobOptions = {},
): CheckpointStore {
  const ranks = { rank, size, joinTimeout, saveTimeout, memberFile }
  return storeOn(backend, { ...options, ranks }, environmentOf())
}

/** Starts every rank of a job. */
export function startJob(
  backend: CheckpointBackend,
  size: number,
  options: JobOptions = {},
): readonly CheckpointStore[] {
  return Array.from({ length: size }, (_, rank) => rankOn(backend, rank, size, options))
}

/** The file of a rank at a step. */
export function shard(rank: number, step: number, run = ''): Readonly<Record<string, Uint8Array>> {
  return { [`rank-${rank}.bin`]: Buffer.from(`rank ${rank} at step ${step} ${run}`) }
}

/** Saves one step with all ranks. */
export async function saveAll(ranks: readonly CheckpointStore[], step: number, run = '') {
  return Promise.all(ranks.map((store, rank) => store.save({ step, files: shard(rank, step, run) })))
}
