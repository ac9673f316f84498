import { formatSize, HoldfastError, type JudgedCheckpoint } from '@holdfast/core'
import { InvalidArgumentError } from 'commander'
import { ownMember } from '../own-member.ts'
import type { Column } from './table.ts'
import { formatAge, formatMetric } from './text.ts'

/** A column of a list of checkpoints. */
export interface CheckpointColumn extends Column {
  readonly textOf: (checkpoint: JudgedCheckpoint) => string
}

/** Parses names that are separated by commas. */
export function parseColumns(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim())
  if (names.includes(''))
    throw new InvalidArgumentError('Write names with commas, such as "step,val_loss,size".')
  return names
}

/**
 * Returns the columns of a list: the named ones, or by default all that have values, with the metrics of objectives
 * before other metrics. A metric with the name of another column is `metric:NAME`, and the value of an objective `~NAME`.
 * Throws `INVALID_ARGUMENT` for a name that is no column.
 */
export function chooseColumns(
  checkpoints: readonly JudgedCheckpoint[],
  names: readonly string[] | undefined,
  now: Date,
): readonly CheckpointColumn[] {
  const fixed = fixedColumns(checkpoints, now)
  const metrics = metricNames(checkpoints)
  if (names === undefined) {
    return [
      ...['step', 'epoch', 'size', 'saved'].flatMap((name) => {
        const column = fixed.get(name)
        const isUsed = name !== 'epoch' || checkpoints.some(({ epoch }) => epoch !== undefined)
        return column === undefined || !isUsed ? [] : [column]
      }),
      ...metrics.map((name) => ({ ...metricColumn(name), optional: true })),
      ...[...fixed].flatMap(([name, column]) => (name === 'kept' ? [column] : [])),
    ]
  }
  const objectives = new Set(checkpoints.flatMap(({ scores }) => Object.keys(scores)))
  const known = new Map<string, CheckpointColumn>([
    ...metrics.map((name) => [name, metricColumn(name)] as const),
    ...metrics.map((name) => [`metric:${name}`, metricColumn(name)] as const),
    ...[...objectives].map((name) => [`~${name}`, objectiveColumn(name)] as const),
    ...fixed,
  ])
  return names.map((name) => {
    const column = known.get(name)
    if (column !== undefined) return column
    const choices = [...fixed.keys(), ...metrics, ...[...objectives].map((each) => `~${each}`)]
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `There is no column ${JSON.stringify(name)}. Choose from: ${choices.join(', ')}.`,
    )
  })
}

function fixedColumns(
  checkpoints: readonly JudgedCheckpoint[],
  now: Date,
): ReadonlyMap<string, CheckpointColumn> {
  const hasRetention = checkpoints.some(({ keptBecause }) => keptBecause.length > 0)
  const right = 'right' as const
  return new Map<string, CheckpointColumn>([
    ['step', { title: 'STEP', align: right, textOf: ({ step }) => String(step) }],
    ['epoch', { title: 'EPOCH', align: right, textOf: ({ epoch }) => formatEpoch(epoch) }],
    ['size', { title: 'SIZE', align: right, textOf: ({ bytes }) => formatSize(bytes) }],
    ['saved', { title: 'SAVED', align: right, textOf: ({ savedAt }) => formatAge(savedAt, now) }],
    ['files', { title: 'FILES', align: right, textOf: ({ fileCount }) => String(fileCount) }],
    ['tags', { title: 'TAGS', textOf: ({ tags }) => tags.map((tag) => `#${tag}`).join(' ') }],
    ['kept', { title: hasRetention ? 'KEPT BECAUSE' : 'NOTES', textOf: notes }],
  ])
}

/** Some trainers count epochs as fractions such as 0.3333333333. */
function formatEpoch(epoch: number | undefined): string {
  return epoch === undefined ? '' : String(Number(epoch.toFixed(2)))
}

function metricColumn(name: string): CheckpointColumn {
  return { title: name, align: 'right', textOf: ({ metrics }) => formatMetric(ownMember(metrics, name)) }
}

function objectiveColumn(name: string): CheckpointColumn {
  return { title: `~${name}`, align: 'right', textOf: ({ scores }) => formatMetric(ownMember(scores, name)) }
}

/** Returns the names of all metrics, those that are the value of an objective first. */
function metricNames(checkpoints: readonly JudgedCheckpoint[]): readonly string[] {
  const all = [...new Set(checkpoints.flatMap(({ metrics }) => Object.keys(metrics)))].sort()
  const objectives = [...new Set(checkpoints.flatMap(({ scores }) => Object.keys(scores)))]
  const isValueOf = (metric: string, objective: string): boolean =>
    checkpoints.every(({ scores, metrics }) => {
      const score = ownMember(scores, objective)
      return score === undefined || score === ownMember(metrics, metric)
    })
  const first = all.filter((metric) => objectives.some((objective) => isValueOf(metric, objective)))
  return [...first, ...all.filter((metric) => !first.includes(metric))]
}

/** Returns why a checkpoint is kept, or else its marks: best, pinned and tags. Marks the latest and abandoned ones. */
export function notes(checkpoint: JudgedCheckpoint): string {
  const { isLatest, isAbandoned } = checkpoint
  return [
    ...reasonsOf(checkpoint).filter((reason) => reason !== 'latest'),
    ...(isLatest ? ['latest'] : []),
    ...(isAbandoned ? ['abandoned by a rewind'] : []),
  ].join(', ')
}

function reasonsOf({ bestOf, pinned, tags, keptBecause }: JudgedCheckpoint): readonly string[] {
  if (keptBecause.length > 0) return keptBecause
  const because = pinned?.reason === undefined ? '' : ` ${JSON.stringify(pinned.reason)}`
  return [
    ...bestOf.map((name) => `best ${name}`),
    ...(pinned === undefined ? [] : [`pinned${because}`]),
    ...tags.map((tag) => `#${tag}`),
  ]
}
