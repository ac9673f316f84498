import type { MeasuredStep } from '@holdfast/core'
import { defineCommand } from '../declare/command.ts'
import { negatableFlag } from '../declare/declaration.ts'
import { exitCodes } from '../exit-codes.ts'
import { plot } from '../output/plot.ts'
import { type Column, formatTable } from '../output/table.ts'
import { formatMetric } from '../output/text.ts'
import { visible } from '../output/visible.ts'
import { withStore } from '../with-store.ts'
import { ownMember } from '../own-member.ts'

/** A column of the table and a curve of the plot: a recorded metric, or the score of an objective. */
interface Series {
  readonly title: string
  readonly valueAt: (step: MeasuredStep) => number | undefined
}

export const metrics = defineCommand({
  example: 'holdfast metrics',
  arguments: [],
  options: { plot: negatableFlag('draw curves (default on a terminal)', 'draw no curves') },
  run: async ({ options, signal }) =>
    withStore(options, signal, async ({ store, printer }) => {
      const steps = await store.metrics({ signal })
      if (steps.length === 0) {
        printer.line(
          'No metric was recorded yet. Record one: holdfast save FILE --step 0 --metric val_loss=0.183',
        )
      } else if (!printer.json) {
        const series = seriesOf(steps)
        printer.lines(await table(steps, series))
        if (options.plot ?? process.stdout.isTTY) printer.lines(plots(steps, series))
      }
      for (const step of steps) printer.data({ type: 'step', ...step })
      printer.data({ type: 'result', command: 'metrics', steps: steps.length })
      return exitCodes.done
    }),
})

/** Returns the metrics, and the scores that differ from every metric. */
function seriesOf(steps: readonly MeasuredStep[]): readonly Series[] {
  const metricNames = [...new Set(steps.flatMap((step) => Object.keys(step.metrics)))].sort()
  const objectives = [...new Set(steps.flatMap((step) => Object.keys(step.scores)))].sort()
  const raw = metricNames.map(
    (title): Series => ({ title, valueAt: (step) => ownMember(step.metrics, title) }),
  )
  const judged = objectives.map(
    (name): Series => ({ title: `~${name}`, valueAt: (step) => ownMember(step.scores, name) }),
  )
  const differing = judged.filter(
    ({ valueAt }) =>
      !raw.some((other) =>
        steps.every((step) => valueAt(step) === undefined || valueAt(step) === other.valueAt(step)),
      ),
  )
  return [...raw, ...differing]
}

async function table(steps: readonly MeasuredStep[], series: readonly Series[]): Promise<string> {
  const columns: readonly Column[] = [
    { title: 'STEP', align: 'right' },
    ...series.map(({ title }) => ({ title, align: 'right' }) as const),
    { title: 'CHECKPOINT' },
  ]
  return formatTable(
    columns,
    steps.map((step) => [
      String(step.step),
      ...series.map(({ valueAt }) => formatMetric(valueAt(step))),
      step.abandoned ? 'abandoned' : step.listed ? 'kept' : 'deleted',
    ]),
  )
}

function plots(steps: readonly MeasuredStep[], series: readonly Series[]): string {
  const parts = series.map(({ title, valueAt }) => {
    const points = steps.map(valueAt).filter((value) => value !== undefined && Number.isFinite(value))
    return points.length < 2 ? '' : `\n${visible(title)}\n${plot(points as readonly number[])}`
  })
  return parts.filter((part) => part !== '').join('\n')
}
