import type { UnscoredObjective } from '@holdfast/core'

/** Why no checkpoint can be judged by an objective, which metrics there are instead, and what to do. */
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
    `Pass --forget-objective ${objective} if it is not wanted.`
  )
}
