import type { PageCheckpoint, PageMetrics } from '../src/run-page.ts'
import { firstFrom } from './curve.ts'
import { rateOf } from './times.ts'

/** Metrics that have a column. */
const mostMetrics = 5

/** A column of the table of checkpoints that can be sorted. */
export interface Column {
  /** Names the column. A metric may have the title of another column. */
  readonly key: string
  readonly title: string
  readonly isMetric: boolean
  readonly numberOf: (checkpoint: PageCheckpoint) => number | undefined
}

export function stepOf({ step }: PageCheckpoint): number {
  return step
}

/** Returns the columns that are facts of each checkpoint, and then those of the first metrics. */
export function columnsOf({ steps, metrics }: PageMetrics, isTimed: boolean): readonly Column[] {
  const fact = (key: string, title: string, numberOf: Column['numberOf']): Column => ({
    key,
    title,
    isMetric: false,
    numberOf,
  })
  return [
    fact('step', 'Step', stepOf),
    fact('epoch', 'Epoch', ({ epoch }) => epoch),
    fact('size', 'Size', ({ bytes }) => bytes),
    fact('saved', 'Saved (UTC)', ({ savedAt }) => savedAt),
    ...(isTimed
      ? [
          fact('took', 'Took', ({ saving }) => saving),
          fact('rate', 'Rate', ({ bytes, saving }) => rateOf(bytes, saving)),
        ]
      : []),
    ...metrics.slice(0, mostMetrics).map(
      ({ name, values }): Column => ({
        key: `metric:${name}`,
        title: name,
        isMetric: true,
        numberOf: ({ step }) => {
          const index = firstFrom(steps, step)
          return steps[index] === step ? (values[index] ?? undefined) : undefined
        },
      }),
    ),
  ]
}
