import { HoldfastError } from '../errors.ts'

/** What 'best' means: the lowest or the highest value of one metric. */
export interface Objective {
  readonly metric: string
  readonly direction: 'min' | 'max'
}

export type Objectives = Readonly<Record<string, Objective>>

/** What is compared. */
export interface Scored {
  readonly step: number
  readonly metrics: Readonly<Record<string, number>>
}

/**
 * The best of some checkpoints. A metric that is missing, NaN or infinite is never the best and never in the
 * way of another; of equals the earliest step is the best. `undefined` when none has the metric.
 */
export function bestBy<Candidate extends Scored>(
  candidates: Iterable<Candidate>,
  objective: Objective,
): Candidate | undefined {
  const sign = objective.direction === 'min' ? -1 : 1
  let best: { readonly candidate: Candidate; readonly score: number } | undefined
  for (const candidate of candidates) {
    const value = candidate.metrics[objective.metric]
    if (value === undefined || !Number.isFinite(value)) continue
    const score = sign * value
    const better =
      best === undefined ||
      score > best.score ||
      (score === best.score && candidate.step < best.candidate.step)
    if (better) best = { candidate, score }
  }
  return best?.candidate
}

/** Throws `INVALID_ARGUMENT` for objectives that are not as they should be. */
export function assertObjectives(objectives: Objectives): void {
  for (const [name, { metric, direction }] of Object.entries(objectives)) {
    if (metric !== '' && ['min', 'max'].includes(direction)) continue
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `The objective ${JSON.stringify(name)} needs a metric and a direction, 'min' or 'max'.`,
    )
  }
}
