import type { JudgedCheckpoint } from '@holdfast/core'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { formatMetric, joined } from '../output/text.ts'
import { type GlobalOptions, withStore } from '../with-store.ts'

/** The best of each objective, or of one. */
export async function best(
  name: string | undefined,
  options: GlobalOptions,
  signal: AbortSignal,
): Promise<ExitCode> {
  return withStore(options, signal, async ({ store, printer }) => {
    const checkpoints = await store.list({ signal })
    const wanted = name === undefined ? namesIn(checkpoints) : [name]
    // Asked for one by one, so that a misspelt name, and that there is none, is said as everywhere else.
    if (name !== undefined || wanted.length === 0) await store.best(name, { signal })
    const found = wanted.map((objective) => ({
      objective,
      steps: checkpoints.filter(({ bestOf }) => bestOf.includes(objective)),
    }))
    for (const { objective, steps } of found) {
      if (steps.length === 0) printer.line(`no checkpoint can be judged by ${objective} yet`)
      for (const checkpoint of steps)
        printer.line(joined(`best ${objective} is step ${checkpoint.step}`, ...values(checkpoint, objective)))
    }
    printer.data({
      type: 'result',
      command: 'best',
      best: found.map(({ objective, steps }) => ({ objective, checkpoints: steps })),
    })
    return exitCodes.done
  })
}

function namesIn(checkpoints: readonly JudgedCheckpoint[]): readonly string[] {
  return [...new Set(checkpoints.flatMap(({ bestOf }) => bestOf))]
}

function values({ scores, metrics }: JudgedCheckpoint, objective: string): readonly string[] {
  const score = scores[objective]
  return [
    ...(score === undefined ? [] : [formatMetric(score)]),
    ...Object.entries(metrics).map(([metric, value]) => `${metric} ${formatMetric(value)}`),
  ]
}
