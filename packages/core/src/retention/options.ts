import * as v from 'valibot'
import { HoldfastError } from '../errors.ts'
import type { Objectives } from '../metrics/index.ts'
import { parseSize, type Size } from '../space/index.ts'
import type { RetainedCheckpoint } from './checkpoint.ts'
import { type Duration, parseDuration } from './duration.ts'
import { recordOf } from '../records.ts'

/**
 * Which checkpoints to keep. One is kept if any of the policies keeps it; without any all are kept. Limits then
 * evict the oldest first, in the order of saves, until they are met. The latest, the pinned, the best of each objective, and one that this
 * process is restoring are kept in any case.
 */
export interface RetentionOptions<Name extends string = string> {
  /** The number of checkpoints to keep that were saved last. */
  readonly keepLast?: number | undefined
  /** The first at or after each multiple of so many steps or epochs; the first of each interval of time, in UTC. */
  readonly keepEvery?:
    | {
        readonly steps?: number | undefined
        readonly epochs?: number | undefined
        readonly time?: Duration | undefined
      }
    | undefined
  /** Everything younger. */
  readonly keepWithin?: Duration | undefined
  /** The newest of each of the last so many hours, days, weeks and months that have one (UTC; weeks begin on Monday). */
  readonly keepHourly?: number | undefined
  readonly keepDaily?: number | undefined
  readonly keepWeekly?: number | undefined
  readonly keepMonthly?: number | undefined
  /** The best so many of each objective named. */
  readonly keepBest?: Readonly<Partial<Record<Name, number>>> | undefined
  /** Those with any of these tags. */
  readonly keepTags?: readonly string[] | undefined
  /**
   * Those that lack a value of an objective's metric, while they are younger: their evaluation may still come. Until an
   * objective has its first value, everything that the limits allow is kept, with or without this option.
   */
  readonly keepUnscored?: Duration | undefined
  /** Why to keep a checkpoint, in few words; `undefined` leaves it to the others. Only in code. */
  readonly keep?: ((checkpoint: RetainedCheckpoint) => string | undefined) | undefined
  /** Evict the oldest until no more than so many bytes are listed. */
  readonly maxBytes?: Size | undefined
  /** Evict the oldest until no more than so many checkpoints are listed. */
  readonly maxCount?: number | undefined
  /**
   * How long the bytes of a dropped checkpoint stay, for readers that still go by an older list. They are deleted by
   * the first save after it. Default: 0, at once.
   */
  readonly grace?: Duration | undefined
}

/** The same in plain numbers: milliseconds and bytes. But for `keep` it is JSON. */
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

/** Retention in a configuration file. */
export const retentionSchema = schemaOf(v.union([v.number(), v.string()]), v.union([v.number(), v.string()]))

/** Retention in a catalog: in plain numbers, milliseconds and bytes. */
export const recordedRetentionSchema = schemaOf(v.number(), v.number())

/** Throws `INVALID_ARGUMENT` for options that are misspelt, out of range, or name an objective that is not there. */
export function planRetention(options: RetentionOptions, objectives: Objectives): RetentionPlan {
  const { keep, ...plain } = options
  const parsed = v.safeParse(retentionSchema, plain)
  if (!parsed.success) {
    const [issue] = parsed.issues
    throw invalid(
      `${v.getDotPath(issue) ?? 'it'}: ${issue.message}. It takes: ${Object.keys(retentionSchema.entries).join(', ')}.`,
    )
  }
  if (keep !== undefined && typeof keep !== 'function') throw invalid('keep is a function.')
  for (const name of Object.keys(options.keepBest ?? {})) {
    if (Object.hasOwn(objectives, name)) continue
    const known = Object.keys(objectives).join(', ') || 'none'
    throw invalid(`keepBest: there is no objective ${JSON.stringify(name)}. Known: ${known}.`)
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
  throw invalid('keepEvery.time is longer than nothing.')
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', `retention: ${message}`)
}
