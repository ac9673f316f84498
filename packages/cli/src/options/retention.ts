import { HoldfastError, type RetentionOptions } from '@holdfast/core'
import { InvalidArgumentError } from 'commander'
import { ownMember } from '../own-member.ts'
import { flag, gather, option, type OptionsOf } from '../declare/declaration.ts'
import { type ObjectiveArgument, parseCount } from '../parsing/arguments.ts'
import { duration, size } from '../parsing/quantities.ts'

/** One `--keep-best` option: keep the best `count` checkpoints by this metric. */
export interface BestArgument {
  readonly name: string
  readonly metric: string
  readonly direction: 'min' | 'max'
  readonly count: number
}

type ObjectiveArguments = Readonly<Record<string, ObjectiveArgument>>

interface EveryArgument {
  readonly unit: 'steps' | 'epochs' | 'time'
  readonly value: number
}

/** Retention options of the commands that delete. */
export const retentionOptions = {
  keepLast: option('<n>', 'keep the last n', parseCount),
  keepBest: option('<metric:min|max[:n]>', 'keep the best n (default 1); may be repeated', parseBest),
  keepEvery: option('<n>', 'keep one per n steps, "50 epochs" or "4 h"; once for each unit', parseEvery),
  keepWithin: option('<duration>', 'keep those younger than this, such as "2 d"', duration),
  keepUnscored: option(
    '<duration>',
    'keep those younger than this that still lack a metric of an objective, such as "2 h"',
    duration,
  ),
  keepDaily: option('<n>', 'keep the newest of each of the last n days', parseCount),
  keepTag: option('<tag>', 'keep those with this tag; may be repeated', gather),
  maxBytes: option('<size>', 'then delete the oldest until at most this remains, such as "200 GB"', size),
  maxCount: option('<n>', 'then delete the oldest until at most n remain', parseCount),
  makeRoom: flag('delete checkpoints if there is not enough space for the save'),
}

export type KeepOptions = OptionsOf<typeof retentionOptions>

/** Returns only the fields that the command line sets, so that the configuration supplies the others. */
export function retentionOf(options: Partial<KeepOptions>): {
  readonly retention?: RetentionOptions
  readonly space?: { readonly makeRoom: true }
} {
  const {
    keepLast,
    keepBest,
    keepEvery,
    keepWithin,
    keepUnscored,
    keepDaily,
    keepTag,
    maxBytes,
    maxCount,
    makeRoom,
  } = options
  const retention = {
    ...(keepLast === undefined ? {} : { keepLast }),
    ...(keepEvery === undefined
      ? {}
      : { keepEvery: Object.fromEntries(keepEvery.map(({ unit, value }) => [unit, value])) }),
    ...(keepWithin === undefined ? {} : { keepWithin }),
    ...(keepUnscored === undefined ? {} : { keepUnscored }),
    ...(keepDaily === undefined ? {} : { keepDaily }),
    ...(keepBest === undefined
      ? {}
      : { keepBest: Object.fromEntries(keepBest.map(({ name, count }) => [name, count])) }),
    ...(keepTag === undefined ? {} : { keepTags: keepTag }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(maxCount === undefined ? {} : { maxCount }),
  }
  return {
    ...(Object.keys(retention).length === 0 ? {} : { retention }),
    ...(makeRoom === true ? { space: { makeRoom } } : {}),
  }
}

/**
 * Returns the objectives of `--objective` and of `--keep-best`. Throws `INVALID_ARGUMENT` if both define one of the same name and
 * not alike, because one of them would be ignored.
 */
export function joinObjectives(
  defined: ObjectiveArguments | undefined,
  best: readonly BestArgument[] | undefined,
): ObjectiveArguments | undefined {
  if (best === undefined) return defined
  for (const { name, metric, direction, count } of best) {
    const other = ownMember(defined ?? {}, name)
    if (other !== undefined && !(other.metric === metric && other.direction === direction))
      throw new HoldfastError(
        'INVALID_ARGUMENT',
        `--objective and --keep-best define ${name} differently. Write --keep-best ${name}=${other.metric}:${other.direction}${count === 1 ? '' : `:${count}`}.`,
      )
  }
  const ofBest = best.map(({ name, metric, direction }) => [name, { metric, direction }] as const)
  return { ...defined, ...Object.fromEntries(ofBest) }
}

/** Parses `METRIC:min`, `METRIC:max:3` or `NAME=METRIC:min`. */
function parseBest(text: string, before: readonly BestArgument[] | undefined): readonly BestArgument[] {
  const [, name, metric, direction, count] = /^(?:([^=]+)=)?([^=]+?):(min|max)(?::(\d+))?$/.exec(text) ?? []
  if (metric === undefined || (direction !== 'min' && direction !== 'max') || count === '0') {
    throw new InvalidArgumentError(
      'Write METRIC:min or METRIC:max, with an optional count, such as val_loss:min or pck:max:3.',
    )
  }
  const best: BestArgument = { name: name ?? metric, metric, direction, count: Number(count ?? 1) }
  if (before?.some((other) => other.name === best.name) === true)
    throw new InvalidArgumentError(
      `--keep-best ${best.name} is given twice. Pass another name for the second: ${best.name}_2=${metric}:${direction}.`,
    )
  return [...(before ?? []), best]
}

/** Parses `1000` as steps, `50 epochs` as epochs, and any other text as an interval of time. */
function parseEvery(text: string, before: readonly EveryArgument[] | undefined): readonly EveryArgument[] {
  const [, number, unit] = /^(\d+)\s*(steps?|epochs?)?$/.exec(text.trim()) ?? []
  const every: EveryArgument =
    number === undefined
      ? { unit: 'time', value: duration(text) }
      : { unit: unit?.startsWith('epoch') === true ? 'epochs' : 'steps', value: parseCount(number) }
  if (before?.some((other) => other.unit === every.unit) === true)
    throw new InvalidArgumentError(
      `--keep-every is given twice for ${every.unit}. Pass it once for steps, once for epochs and once for time.`,
    )
  return [...(before ?? []), every]
}
