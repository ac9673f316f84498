import type { Checkpoint } from '@holdfast/core'
import { flag, gather, option, type OptionsOf, text } from '../declare/declaration.ts'
import { parseCount } from '../parsing/arguments.ts'
import { parseCondition, satisfies } from './condition.ts'
import { assertKnown, type Fields } from './fields.ts'
import { sortedBy } from './order.ts'

const checkpointFields = ['step', 'epoch', 'size', 'age', 'files']

/** The options that choose some checkpoints of a list, and their order. */
export const selectionOptions = {
  where: option(
    '<condition>',
    'list only those that satisfy it, such as "val_loss < 0.2" or "age > 2 d"; may be repeated',
    parseCondition,
  ),
  tag: option('<tag>', 'list only those with this tag; may be repeated', gather),
  last: option('<n>', 'list only the n that were saved last', parseCount),
  sort: option('<field>', 'sort by step, epoch, size, age, files or a metric, the lowest first', text),
  reverse: flag('reverse the order'),
}

type SelectionOptions = OptionsOf<typeof selectionOptions>

/**
 * Returns the chosen checkpoints in the chosen order, by default by their steps, the lowest first. `checkpoints` are in the
 * order of their saves. `--last` counts
 * those that satisfy the other options. Throws `INVALID_ARGUMENT` for a field that none of the checkpoints has.
 */
export function selectCheckpoints<Item extends Checkpoint>(
  checkpoints: readonly Item[],
  { where = [], tag = [], last = Infinity, sort = 'step', reverse }: SelectionOptions,
  now: Date,
): readonly Item[] {
  const fieldsOf = new Map(checkpoints.map((checkpoint) => [checkpoint, fields(checkpoint, now)]))
  const all = [...fieldsOf.values()]
  for (const field of [...where.map((condition) => condition.field), sort])
    assertKnown(field, all, checkpointFields)
  const chosen = checkpoints.filter(
    (checkpoint) =>
      tag.every((each) => checkpoint.tags.includes(each)) &&
      satisfies(fieldsOf.get(checkpoint) ?? new Map(), where),
  )
  const latest = last === Infinity ? chosen : chosen.slice(-last)
  return sortedBy(latest, (checkpoint) => fieldsOf.get(checkpoint)?.get(sort), reverse === true)
}

/** A metric whose name is that of another field is `metric:NAME`. */
function fields({ step, epoch, bytes, savedAt, fileCount, metrics }: Checkpoint, now: Date): Fields {
  return new Map([
    ...Object.entries(metrics),
    ...Object.entries(metrics).flatMap(([name, value]): [string, number][] =>
      checkpointFields.includes(name) ? [[`metric:${name}`, value]] : [],
    ),
    ['step', step],
    ...(epoch === undefined ? [] : [['epoch', epoch] as const]),
    ['size', bytes],
    ['age', (now.getTime() - savedAt.getTime()) / 1000],
    ['files', fileCount],
  ])
}
