import * as v from 'valibot'
import { type Duration, durationSchema, parseDuration } from '../input/duration.ts'
import { HoldfastError } from '../errors.ts'
import type { Objectives } from '../metrics/index.ts'
import { parseSize, type Size, sizeSchema } from '../space/index.ts'
import type { RetainedCheckpoint } from './checkpoint.ts'
import { recordOf } from '../input/records.ts'

/**
 * Which checkpoints to keep. A checkpoint is kept if any policy keeps it. Without a policy, all are kept. Then limits
 * evict the oldest checkpoints, in the order of saves, until they are met. The latest checkpoint, pinned checkpoints,
 * the best of each objective, and a checkpoint that this process is restoring are always kept.
 */
export interface RetentionOptions<Name extends string = string> {
  /** Keeps this number of the latest saves. */
  readonly keepLast?: number | undefined
  /**
   * Keeps the first checkpoint at or after each multiple of this number of steps or epochs, and the first in each
   * interval of time (UTC).
   */
  readonly keepEvery?:
    | {
        readonly steps?: number | undefined
        readonly epochs?: number | undefined
        readonly time?: Duration | undefined
      }
    | undefined
  /** Keeps checkpoints that are younger than this. */
  readonly keepWithin?: Duration | undefined
  /**
   * Keep the newest checkpoint of each of the latest hours, days, weeks and months that have one (UTC; weeks begin on
   * Monday).
   */
  readonly keepHourly?: number | undefined
  readonly keepDaily?: number | undefined
  readonly keepWeekly?: number | undefined
  readonly keepMonthly?: number | undefined
  /** Keeps this number of the best checkpoints of each named objective. No policy if it is empty. */
  readonly keepBest?: CountsOf<Name> | undefined
  /** Keeps checkpoints with any of these tags. No policy if it is empty. */
  readonly keepTags?: readonly string[] | undefined
  /**
   * Keeps checkpoints younger than this that lack the metric of an objective, because an evaluation may still record
   * it. Until an objective has its first value, all checkpoints are kept within the limits, even without this option.
   */
  readonly keepUnscored?: Duration | undefined
  /**
   * Returns the reason to keep a checkpoint; `undefined` leaves the decision to the other policies. Available only in
   * code.
   */
  readonly keep?: ((checkpoint: RetainedCheckpoint) => string | undefined) | undefined
  /** Evicts the oldest checkpoints until the listed ones have at most this size in total. */
  readonly maxBytes?: Size | undefined
  /** Evicts the oldest checkpoints until at most this number is listed. */
  readonly maxCount?: number | undefined
  /**
   * How long to keep the bytes of a dropped checkpoint for readers of an older list. The first save after this time
   * deletes them. Default: 0, which deletes them at once.
   */
  readonly grace?: Duration | undefined
}

/** A count for each objective. Without objectives it must be empty, and `never` makes the compiler check that. */
type CountsOf<Name extends string> = [Name] extends [never]
  ? Readonly<Record<string, never>>
  : Readonly<Partial<Record<Name, number>>>

/** The same options as numbers of milliseconds and bytes. All members except `keep` can be stored as JSON. */
export interface RetentionPlan {
  readonly keepLast?: number | undefined
  readonly keepEvery?:
    | {
        readonly steps?: number | undefined
        readonly epochs?: number | undefined
        readonly time?: number | undefined
      }
    | undefined
  readonly keepWithin?: number | undefined
  readonly keepHourly?: number | undefined
  readonly keepDaily?: number | undefined
  readonly keepWeekly?: number | undefined
  readonly keepMonthly?: number | undefined
  readonly keepBest?: Readonly<Record<string, number>> | undefined
  readonly keepTags?: readonly string[] | undefined
  readonly keepUnscored?: number | undefined
  readonly keep?: ((checkpoint: RetainedCheckpoint) => string | undefined) | undefined
  readonly maxBytes?: number | undefined
  readonly maxCount?: number | undefined
  readonly grace?: number | undefined
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1))

function schemaOf<Length extends v.GenericSchema, Bytes extends v.GenericSchema>(
  duration: Length,
  size: Bytes,
) {
  return v.strictObject({
    keepLast: v.optional(count),
    keepEvery: v.optional(
      v.strictObject({ steps: v.optional(count), epochs: v.optional(count), time: v.optional(duration) }),
    ),
    keepWithin: v.optional(duration),
    keepHourly: v.optional(count),
    keepDaily: v.optional(count),
    keepWeekly: v.optional(count),
    keepMonthly: v.optional(count),
    keepBest: v.optional(recordOf(count)),
    keepTags: v.optional(v.array(v.pipe(v.string(), v.nonEmpty()))),
    keepUnscored: v.optional(duration),
    maxBytes: v.optional(size),
    maxCount: v.optional(count),
    grace: v.optional(duration),
  })
}

/** The schema of retention in a configuration file. */
export const retentionSchema = schemaOf(durationSchema, sizeSchema)

/** The schema of retention in a catalog, with numbers of milliseconds and bytes. */
export const recordedRetentionSchema = schemaOf(v.number(), v.number())

/** Throws `INVALID_ARGUMENT` if an option is misspelt, out of range, or names an unknown objective. */
export function planRetention(options: RetentionOptions, objectives: Objectives): RetentionPlan {
  const { keep, ...plain } = options
  const parsed = v.safeParse(retentionSchema, plain)
  if (!parsed.success) {
    const [issue] = parsed.issues
    throw invalid(
      `${v.getDotPath(issue) ?? 'it'}: ${issue.message}. Known options: ${Object.keys(retentionSchema.entries).join(', ')}.`,
    )
  }
  if (keep !== undefined && typeof keep !== 'function') throw invalid('keep must be a function.')
  for (const name of Object.keys(options.keepBest ?? {})) {
    if (Object.hasOwn(objectives, name)) continue
    const known = Object.keys(objectives)
    const remedy = known.length === 0 ? 'Define it in objectives.' : `Known: ${known.join(', ')}.`
    throw invalid(`keepBest refers to ${JSON.stringify(name)}, which is not a defined objective. ${remedy}`)
  }
  const { keepEvery, keepWithin, keepUnscored, keepBest, maxBytes, grace, ...counts } = options
  return {
    ...counts,
    ...(keepEvery === undefined
      ? {}
      : {
          keepEvery: {
            ...keepEvery,
            time: keepEvery.time === undefined ? undefined : interval(keepEvery.time),
          },
        }),
    ...(keepBest === undefined ? {} : { keepBest: definedCounts(keepBest) }),
    ...(keepWithin === undefined ? {} : { keepWithin: parseDuration(keepWithin) }),
    ...(keepUnscored === undefined ? {} : { keepUnscored: parseDuration(keepUnscored) }),
    ...(maxBytes === undefined ? {} : { maxBytes: parseSize(maxBytes) }),
    ...(grace === undefined ? {} : { grace: parseDuration(grace) }),
  }
}

function definedCounts(counts: Readonly<Partial<Record<string, number>>>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(counts).flatMap(([name, n]) => (n === undefined ? [] : [[name, n]])),
  )
}

function interval(time: Duration): number {
  const milliseconds = parseDuration(time)
  if (milliseconds > 0) return milliseconds
  throw invalid('keepEvery.time must be greater than 0.')
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', `retention: ${message}`)
}
