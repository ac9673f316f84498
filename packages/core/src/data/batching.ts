import { HoldfastError } from '../errors.ts'
import { shown } from '../input/shown.ts'
import { assertWhole } from './whole.ts'

/** How the samples of an epoch are divided into batches and among ranks. */
export interface BatchOptions {
  /** Number of samples in one rank's batch, at least 1. */
  readonly batchSize: number
  /**
   * How to handle the last samples of an epoch if they are too few to give every rank a full batch:
   * - `short`: the ranks share them. Batch sizes differ by at most one, and a batch can be empty.
   * - `drop`: they are left out of this epoch.
   * - `wrap`: samples from the start of the epoch's order fill the batches, so those samples come twice.
   *
   * Default: `short`.
   */
  readonly lastBatch?: 'short' | 'drop' | 'wrap' | undefined
  /** Number of ranks that train together. Default: 1. */
  readonly worldSize?: number | undefined
  /** The rank of this process, from 0 to `worldSize - 1`. Default: 0. */
  readonly rank?: number | undefined
}

export const batchFields = ['batchSize', 'lastBatch', 'worldSize', 'rank'] as const

/** Validated `BatchOptions` with all defaults applied. */
export interface Batching {
  readonly lastBatch: 'short' | 'drop' | 'wrap'
  readonly worldSize: number
  readonly rank: number
  /** Number of samples that all ranks together take in one step. */
  readonly stepSize: number
}

/** A place in the data. `position` counts the samples of the epoch that all ranks together have received. */
export interface Cursor {
  readonly epoch: number
  readonly position: number
}

/** One step of all ranks, as seen by one rank. */
export interface Step {
  /** This rank's positions in the epoch's order. */
  readonly positions: readonly number[]
  /** The cursor of all ranks after this step. */
  readonly next: Cursor
}

/** Validates the options and applies the defaults. Throws `INVALID_ARGUMENT` for an invalid option. */
export function batchingOf(options: BatchOptions): Batching {
  const { batchSize, lastBatch = 'short', worldSize = 1, rank = 0 } = options
  assertWhole('batchSize', batchSize, 1)
  assertWhole('worldSize', worldSize, 1)
  assertWhole('rank', rank, 0, worldSize - 1)
  assertWhole('batchSize * worldSize', batchSize * worldSize, 1)
  if (!['short', 'drop', 'wrap'].includes(lastBatch)) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `lastBatch must be 'short', 'drop' or 'wrap', not ${shown(lastBatch)}.`,
    )
  }
  return { lastBatch, worldSize, rank, stepSize: batchSize * worldSize }
}

/** Yields the remaining steps of an epoch of `length` positions. Every rank gets the same number of steps. */
export function* stepsFrom({ epoch, position }: Cursor, length: number, batching: Batching): Generator<Step> {
  const { lastBatch, stepSize } = batching
  for (let from = position; from < length; from += stepSize) {
    const left = length - from
    if (left < stepSize && lastBatch === 'drop') return
    const taken = lastBatch === 'short' ? Math.min(left, stepSize) : stepSize
    const isLast = left <= stepSize || (lastBatch === 'drop' && left - stepSize < stepSize)
    yield {
      positions: shareOf(taken, batching).map((offset) => (from + offset) % length),
      next: isLast ? { epoch: epoch + 1, position: 0 } : { epoch, position: from + stepSize },
    }
  }
}

/** Returns this rank's offsets among the `taken` samples of a step. Ranks take samples in turn. */
export function shareOf(taken: number, { worldSize, rank }: Batching): readonly number[] {
  const count = Math.max(0, Math.ceil((taken - rank) / worldSize))
  return Array.from({ length: count }, (_, turn) => turn * worldSize + rank)
}

/** Returns the number of steps from a position to the end of the epoch. */
export function stepsLeft(position: number, length: number, { lastBatch, stepSize }: Batching): number {
  const steps = (length - position) / stepSize
  return lastBatch === 'drop' ? Math.floor(steps) : Math.ceil(steps)
}

/** If two iterations moved one position, each would miss the batches that the other received. */
export function refuseMoved(expected: Cursor, found: Cursor): void {
  if (expected === found) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    'The iteration cannot continue: another iteration, or loadStateDict, has moved the position in the data. ' +
      'Run one iteration at a time, and leave it before you call loadStateDict.',
  )
}

/** With epochs that have no batches, a training loop would never make progress. */
export function refuseNoBatch(length: number, batching: Batching): void {
  if (stepsLeft(0, length, batching) > 0) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `All ${length} samples would be dropped: one step of all ranks takes ${batching.stepSize}. ` +
      "Use smaller batches, or set lastBatch to 'short' or 'wrap'.",
  )
}
