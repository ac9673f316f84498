import * as v from 'valibot'
import { HoldfastError } from '../errors.ts'
import { isSize, parseSize, type Size } from './size.ts'

/** A size, or a percentage of the total such as `'5%'`. */
export type SpaceThreshold = Size | `${number}${'' | ' '}%`

/** The schema of a threshold in a configuration file. */
export const thresholdSchema = v.union(
  [v.number(), v.pipe(v.string(), v.guard(isThreshold))],
  "Write a size such as '10 GB', or a percentage from 0% to 100%",
)

/** When a save warns about low space, is rejected, or makes room. */
export interface SpaceOptions {
  /** Emits the event `spaceLow` if less than this will remain after a save. Default: 5%. */
  readonly warnBelow?: SpaceThreshold | undefined
  /** Rejects a save that would leave less than this. Default: 0, which rejects only saves that do not fit. */
  readonly refuseBelow?: SpaceThreshold | undefined
  /**
   * Drops checkpoints instead of rejecting the save: first those that a rewind abandoned or retention drops anyway, then
   * the oldest. Never drops the latest, a pinned or the best checkpoint. Default: false.
   */
  readonly makeRoom?: boolean | undefined
}

/** The parsed form of `SpaceOptions`. */
export interface SpaceLimits {
  readonly warnBelow: Threshold
  readonly refuseBelow: Threshold
  readonly makeRoom: boolean
}

type Threshold = { readonly bytes: number } | { readonly percent: number }

/** The free space of a store, or `unbounded` if it sets no limit, or none that is known. */
export type Room =
  | {
      /** Free bytes. */
      readonly available: number
      readonly total: number
      /** Free inodes. Absent if there is no limit. */
      readonly inodes?: number | undefined
    }
  | 'unbounded'

/** The space that a save needs. */
export interface Need {
  readonly bytes: number
  /** The number of files and folders. */
  readonly inodes: number
}

export type SpaceVerdict =
  | { readonly kind: 'enough' }
  /** The save fits. `left` bytes remain, which is less than the warning `threshold` in bytes. */
  | { readonly kind: 'low'; readonly left: number; readonly threshold: number }
  /** The save does not fit until `missing` is freed. `kept` bytes must stay free. */
  | { readonly kind: 'refused'; readonly missing: Need; readonly kept: number }

/** Throws `INVALID_ARGUMENT` if a threshold is not a size or a percentage. */
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
  const left = room.available - needed.bytes
  const kept = bytesOf(limits.refuseBelow, room.total)
  const missing = {
    bytes: Math.max(0, kept - left),
    inodes: Math.max(0, needed.inodes - (room.inodes ?? Infinity)),
  }
  if (missing.bytes > 0 || missing.inodes > 0) return { kind: 'refused', missing, kept }
  const threshold = bytesOf(limits.warnBelow, room.total)
  return left < threshold ? { kind: 'low', left, threshold } : { kind: 'enough' }
}

function isThreshold(text: string): text is Exclude<SpaceThreshold, number> {
  return percentOf(text) !== undefined || isSize(text)
}

/** Returns the number before the sign; `undefined` for a text that is no percentage from 0% to 100%. */
function percentOf(text: string): number | undefined {
  const [, digits] = /^\s*(\d+(?:\.\d+)?)\s*%\s*$/.exec(text) ?? []
  const percent = Number(digits)
  return percent >= 0 && percent <= 100 ? percent : undefined
}

function parseThreshold(threshold: SpaceThreshold): Threshold {
  if (typeof threshold === 'string' && threshold.trim().endsWith('%')) {
    const percent = percentOf(threshold)
    if (percent !== undefined) return { percent }
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `${JSON.stringify(threshold)} must be a percentage from 0% to 100%.`,
    )
  }
  return { bytes: parseSize(threshold) }
}

function bytesOf(threshold: Threshold, total: number): number {
  return 'bytes' in threshold ? threshold.bytes : (total * threshold.percent) / 100
}
