import { HoldfastError } from '../errors.ts'
import { parseSize, type Size } from './size.ts'

/** A size, or a part of the whole such as `'5%'`. */
export type SpaceThreshold = Size

export interface SpaceOptions {
  /** Raise the event `spaceLow` when less than this will be left. Default: 5%. */
  readonly warnBelow?: SpaceThreshold | undefined
  /** Refuse a save that would leave less than this. Default: 0, refuse only what does not fit. */
  readonly refuseBelow?: SpaceThreshold | undefined
  /**
   * Instead of refusing, drop checkpoints first: what retention drops anyway, then the oldest. Never the newest, a
   * pinned one or the best. Default: false.
   */
  readonly makeRoom?: boolean | undefined
}

export interface SpaceLimits {
  readonly warnBelow: Threshold
  readonly refuseBelow: Threshold
  readonly makeRoom: boolean
}

type Threshold = { readonly bytes: number } | { readonly percent: number }

/** The free space of a store, or `unbounded` if it sets no limit. */
export type Room =
  | {
      /** Bytes. */
      readonly available: number
      readonly total: number
      /** Free inodes; absent if there is no limit. */
      readonly inodes?: number | undefined
    }
  | 'unbounded'

/** What a save adds. */
export interface Need {
  readonly bytes: number
  /** One for each file and folder. */
  readonly inodes: number
}

export type SpaceVerdict =
  | { readonly kind: 'enough' }
  /** It fits, and `left` bytes remain, less than the `threshold` in bytes below which to warn. */
  | { readonly kind: 'low'; readonly left: number; readonly threshold: number }
  /** `missing` bytes would have to be freed; `kept` bytes are to stay free. */
  | { readonly kind: 'refused'; readonly missing: number; readonly kept: number }
  /** `missing` inodes would have to be freed. */
  | { readonly kind: 'noInodes'; readonly missing: number; readonly available: number }

/** Throws `INVALID_ARGUMENT` for thresholds that are not sizes or percentages. */
export function spaceLimits(options: SpaceOptions = {}): SpaceLimits {
  return {
    warnBelow: parseThreshold(options.warnBelow ?? '5%'),
    refuseBelow: parseThreshold(options.refuseBelow ?? 0),
    makeRoom: options.makeRoom ?? false,
  }
}

/** Returns whether a save fits into the free space. */
export function judgeSpace(needed: Need, room: Room, limits: SpaceLimits): SpaceVerdict {
  if (room === 'unbounded') return { kind: 'enough' }
  const { inodes = Infinity } = room
  if (inodes < needed.inodes) return { kind: 'noInodes', missing: needed.inodes - inodes, available: inodes }
  const left = room.available - needed.bytes
  const kept = bytesOf(limits.refuseBelow, room.total)
  if (left < kept) return { kind: 'refused', missing: kept - left, kept }
  const threshold = bytesOf(limits.warnBelow, room.total)
  return left < threshold ? { kind: 'low', left, threshold } : { kind: 'enough' }
}

function parseThreshold(threshold: SpaceThreshold): Threshold {
  if (typeof threshold === 'string' && threshold.trim().endsWith('%')) {
    const percent = Number(threshold.trim().slice(0, -1))
    if (percent >= 0 && percent <= 100 && threshold.trim() !== '%') return { percent }
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `${JSON.stringify(threshold)} is not a percentage from 0% to 100%.`,
    )
  }
  return { bytes: parseSize(threshold) }
}

function bytesOf(threshold: Threshold, total: number): number {
  return 'bytes' in threshold ? threshold.bytes : (total * threshold.percent) / 100
}
