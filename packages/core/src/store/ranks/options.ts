import { refuseUnknownOptions } from '../../backend/index.ts'
import { HoldfastError } from '../../errors.ts'

/** The place of a process in a job of many ranks that saves and restores checkpoints together. */
export interface RanksOptions {
  /** The number of this process among those of the job: from 0 to below `size`. */
  readonly rank: number
  /** The number of ranks. All ranks of a job pass the same. */
  readonly size: number
  /** Milliseconds for which a restore waits for the other ranks. Default: 10 minutes. */
  readonly joinTimeout?: number | undefined
  /** Milliseconds for which a save waits for the parts of the other ranks. Default: 30 minutes. */
  readonly saveTimeout?: number | undefined
}

export const defaultJoinTimeout = 10 * 60 * 1000
export const defaultSaveTimeout = 30 * 60 * 1000

/** A file name cannot number more, and no job is as large. */
const mostRanks = 1_000_000

/** Throws `INVALID_ARGUMENT` for options that are misspelt or out of range. */
export function assertRanksOptions(options: RanksOptions): void {
  refuseUnknownOptions(options, ['rank', 'size', 'joinTimeout', 'saveTimeout'], 'ranks')
  const { rank, size } = options
  if (!Number.isSafeInteger(size) || size < 1 || size > mostRanks)
    throw invalid(`ranks.size must be a whole number from 1 to ${mostRanks}, not ${String(size)}.`)
  if (!Number.isSafeInteger(rank) || rank < 0 || rank >= size)
    throw invalid(`ranks.rank must be a whole number from 0 to ${size - 1}, not ${String(rank)}.`)
  for (const name of ['joinTimeout', 'saveTimeout'] as const) {
    const value = options[name]
    if (value !== undefined && !(Number.isFinite(value) && value > 0))
      throw invalid(`ranks.${name} must be a number of milliseconds above 0, not ${String(value)}.`)
  }
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}
