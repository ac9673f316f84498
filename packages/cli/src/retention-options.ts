import type { Duration, Objectives, RetentionOptions, Size } from '@holdfast/core'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { gather } from './arguments.ts'

/** The best so many of one metric, as `--keep-best` names them. */
export interface BestArgument {
  readonly name: string
  readonly metric: string
  readonly direction: 'min' | 'max'
  readonly count: number
}

/** What a command that deletes was told to keep. */
export interface KeepOptions {
  readonly keepLast?: number
  readonly keepBest?: readonly BestArgument[]
  readonly keepEvery?: readonly EveryArgument[]
  readonly keepWithin?: Duration
  readonly keepUnscored?: Duration
  readonly keepDaily?: number
  readonly keepTag?: readonly string[]
  readonly maxBytes?: Size
  readonly maxCount?: number
  readonly makeRoom?: boolean
}

interface EveryArgument {
  readonly unit: 'steps' | 'epochs' | 'time'
  readonly value: number | string
}

/** Adds the options of retention to a command. */
export function withRetention(command: Command): Command {
  return command
    .option('--keep-last <n>', 'keep the last so many', parseCount)
    .option('--keep-best <metric:min|max[:n]>', 'keep the best so many; may be repeated', parseBest)
    .option(
      '--keep-every <n>',
      'keep one per so many steps, "50 epochs" or "4 h"; may be repeated',
      parseEvery,
    )
    .option('--keep-within <duration>', 'keep all that are younger, such as "2 d"')
    .option(
      '--keep-unscored <duration>',
      'keep those that still lack a metric of an objective, while younger',
    )
    .option('--keep-daily <n>', 'keep the newest of each of the last so many days', parseCount)
    .option('--keep-tag <tag>', 'keep those with this tag; may be repeated', gather)
    .option('--max-bytes <size>', 'then drop the oldest until so much is left, such as "200 GB"')
    .option('--max-count <n>', 'then drop the oldest until so many are left', parseCount)
    .addOption(
      new Option('--make-room', 'drop checkpoints where there is not enough space for the save').hideHelp(
        command.name() !== 'save',
      ),
    )
}

/** What the command line says of retention; nothing where it says nothing, so that the configuration holds. */
export function retentionOf(options: KeepOptions): {
  readonly retention?: RetentionOptions
  readonly objectives?: Objectives
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
    ...(keepBest === undefined
      ? {}
      : {
          objectives: Object.fromEntries(
            keepBest.map(({ name, metric, direction }) => [name, { metric, direction }]),
          ),
        }),
    ...(makeRoom === true ? { space: { makeRoom } } : {}),
  }
}

function parseCount(text: string): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number > 0) return number
  throw new InvalidArgumentError('A whole number from 1 is needed.')
}

/** `METRIC:min`, `METRIC:max:3` or `NAME=METRIC:min`. */
function parseBest(text: string, before: readonly BestArgument[] | undefined): readonly BestArgument[] {
  const [, name, metric, direction, count] = /^(?:([^=]+)=)?([^=]+?):(min|max)(?::(\d+))?$/.exec(text) ?? []
  if (metric === undefined || (direction !== 'min' && direction !== 'max') || count === '0') {
    throw new InvalidArgumentError('Write METRIC:min or METRIC:max, and how many: val_loss:min, pck:max:3.')
  }
  return [...(before ?? []), { name: name ?? metric, metric, direction, count: Number(count ?? 1) }]
}

/** A bare number is of steps; `50 epochs` of epochs; anything else is an interval of time. */
function parseEvery(text: string, before: readonly EveryArgument[] | undefined): readonly EveryArgument[] {
  const [, number, unit] = /^(\d+)\s*(steps?|epochs?)?$/.exec(text.trim()) ?? []
  const every: EveryArgument =
    number === undefined
      ? { unit: 'time', value: text }
      : { unit: unit?.startsWith('epoch') === true ? 'epochs' : 'steps', value: parseCount(number) }
  return [...(before ?? []), every]
}
