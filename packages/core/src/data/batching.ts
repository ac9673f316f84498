import { HoldfastError } from '../errors.ts'
import { assertWhole } from './whole.ts'

/** How an epoch is dealt out to the workers, batch by batch. */
export interface BatchOptions {
  /** Samples in a batch of one worker, from 1. */
  readonly batchSize: number
  /**
   * What becomes of the last samples of an epoch, when they are too few for a whole batch on every worker:
   * - `short`: they are shared out; batches differ by one sample at most, and are empty where samples run out.
   * - `drop`: they are left out of this epoch.
   * - `wrap`: samples from the beginning of the epoch's order fill the batches up, and so come twice.
   *
   * Default: `short`.
   */
  readonly lastBatch?: 'short' | 'drop' | 'wrap' | undefined
  /** How many workers train together. Default: 1. */
  readonly worldSize?: number | undefined
  /** Which of them this one is, from 0. Default: 0. */
  readonly rank?: number | undefined
}

export const batchFields = ['batchSize', 'lastBatch', 'worldSize', 'rank'] as const

/** `BatchOptions` with every default filled in. */
export interface Batching {
  readonly lastBatch: 'short' | 'drop' | 'wrap'
  readonly worldSize: number
  readonly rank: number
  /** Samples that all workers take together in one step. */
  readonly stepSize: number
}

/** Where in the data all workers are: `position` counts what all of them together have been given. */
export interface Cursor {
  readonly epoch: number
  readonly position: number
}

/** One step of all workers, as one of them sees it. */
export interface Step {
  /** The positions in the epoch's order that are this worker's. */
  readonly positions: readonly number[]
  /** Where all workers are after it. */
  readonly next: Cursor
}

/** Throws `INVALID_ARGUMENT` for options that make no batches. */
export function batchingOf(options: BatchOptions): Batching {
  const { batchSize, lastBatch = 'short', worldSize = 1, rank = 0 } = options
  assertWhole('The batch size', batchSize, 1)
  assertWhole('The world size', worldSize, 1)
  assertWhole('The rank', rank, 0, worldSize - 1)
  assertWhole('The samples of one step of all workers', batchSize * worldSize, 1)
  if (!['short', 'drop', 'wrap'].includes(lastBatch)) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `lastBatch is 'short', 'drop' or 'wrap', not ${JSON.stringify(lastBatch)}.`,
    )
  }
  return { lastBatch, worldSize, rank, stepSize: batchSize * worldSize }
}

/** The rest of an epoch of `length` positions, step by step: as many steps on every worker. */
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

/** Which of the `taken` samples of a step are this worker's: they are dealt out like cards, one to each in turn. */
export function shareOf(taken: number, { worldSize, rank }: Batching): readonly number[] {
  const count = Math.max(0, Math.ceil((taken - rank) / worldSize))
  return Array.from({ length: count }, (_, turn) => turn * worldSize + rank)
}

/** How many steps the rest of an epoch takes. */
export function stepsLeft(position: number, length: number, { lastBatch, stepSize }: Batching): number {
  const steps = (length - position) / stepSize
  return lastBatch === 'drop' ? Math.floor(steps) : Math.ceil(steps)
}

/** Two who move one position at once would both get batches that the other never sees. */
export function refuseMoved(expected: Cursor, found: Cursor): void {
  if (expected === found) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    'The position in the data was moved while an iteration was under way: by another one, or by loadStateDict. ' +
      'End the one before the other.',
  )
}

/** An epoch without a batch would never end a training, nor begin one. */
export function refuseNoBatch(length: number, batching: Batching): void {
  if (stepsLeft(0, length, batching) > 0) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `All ${length} samples would be dropped: one step of all workers takes ${batching.stepSize}. ` +
      "Make the batches smaller, or choose 'short' or 'wrap' for lastBatch.",
  )
}
