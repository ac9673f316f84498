import type { UnscoredObjective } from '@holdfast/core'

/** Explains why an objective has no value, which metrics are recorded, and what to do. */
export function explainUnscored({ objective, metrics, recorded, nearest }: UnscoredObjective): string {
  const [only, ...others] = metrics
  const found = recorded.length === 0 ? 'No metric is recorded.' : `Recorded metrics: ${recorded.join(', ')}.`
  const isRecorded = metrics.every((metric) => recorded.includes(metric))
  const lacking = isRecorded
    ? `no step has ${others.length === 0 ? 'a finite' : 'finite values of'} ${metrics.join(' and ')}`
    : `no checkpoint has the metric ${metrics.join(' and ')}`
  const hint = nearest === undefined || nearest === only ? '' : ` Did you mean ${nearest}?`
  return (
    `The objective ${objective} has no value: ${lacking}. ${found}${hint} ` +
    `Pass --forget-objective ${objective} if you do not want it.`
  )
}
