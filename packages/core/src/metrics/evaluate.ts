import {
  isMetricObjective,
  type MetricObjective,
  type Objective,
  type Objectives,
  partsOf,
  type WeightedObjective,
} from './objective.ts'
import { smoothedValue, smoothingStart, smoothOn } from './smoothing.ts'

/** The metrics of one step, whether or not its checkpoint is still there. */
export interface MetricRecord {
  readonly step: number
  readonly metrics: Readonly<Record<string, number>>
}

/** What an objective makes of one step. */
export interface Evaluation {
  readonly step: number
  /** In the metric's own unit, smoothed; or the weighted sum. */
  readonly value: number
  /** The same, turned so that more is better. */
  readonly score: number
}

/** By step, in the order of the steps; a step that cannot be judged is not there. */
export type Evaluations = ReadonlyMap<number, Evaluation>

/**
 * What each objective with a score makes of a history, which is in the order of its steps. A metric that is missing,
 * NaN or infinite is passed over: that step has no evaluation, and the smoothing of later ones does not see it.
 *
 * All is derived from the recorded values alone. So a resumed run goes on exactly where it was, one that goes back to
 * an older step takes up what was known there, and other smoothing may be chosen later.
 */
export function evaluate(
  history: readonly MetricRecord[],
  objectives: Objectives,
): ReadonlyMap<string, Evaluations> {
  const evaluations = new Map<string, Evaluations>()
  for (const [name, objective] of Object.entries(objectives)) {
    if (isMetricObjective(objective)) evaluations.set(name, evaluateMetric(history, objective))
  }
  for (const [name, objective] of Object.entries(objectives)) {
    if ('weights' in objective) evaluations.set(name, evaluateWeighted(objective, objectives, evaluations))
  }
  return evaluations
}

function evaluateMetric(history: readonly MetricRecord[], objective: MetricObjective): Evaluations {
  const { metric, direction, smoothing } = objective
  const evaluations = new Map<number, Evaluation>()
  let state = smoothingStart
  let values = 0
  for (const { step, metrics } of history) {
    const raw = metrics[metric]
    if (raw === undefined || !Number.isFinite(raw)) continue
    state = smoothOn(smoothing, state, raw)
    values += 1
    if (isWarmingUp(objective, values, step)) continue
    const value = smoothedValue(smoothing, state)
    evaluations.set(step, { step, value, score: direction === 'min' ? -value : value })
  }
  return evaluations
}

function evaluateWeighted(
  objective: WeightedObjective,
  objectives: Objectives,
  all: ReadonlyMap<string, Evaluations>,
): Evaluations {
  // In the order of their names, so that the sum does not depend on the order in which they were written.
  const parts = partsOf(objective).map((name) => ({
    weight: objective.weights[name] ?? 0,
    normalised: normaliser(name, objective, objectives[name], all.get(name) ?? new Map()),
    evaluations: all.get(name) ?? new Map<number, Evaluation>(),
  }))
  const whole = parts.reduce((sum, { weight }) => sum + weight, 0)
  const evaluations = new Map<number, Evaluation>()
  let values = 0
  for (const step of parts[0]?.evaluations.keys() ?? []) {
    let sum = 0
    for (const { weight, normalised, evaluations: part } of parts) {
      const evaluation = part.get(step)
      sum += evaluation === undefined ? Number.NaN : weight * normalised(evaluation)
    }
    if (Number.isNaN(sum)) continue
    values += 1
    if (!isWarmingUp(objective, values, step))
      evaluations.set(step, { step, value: sum / whole, score: sum / whole })
  }
  return evaluations
}

/** Turns an evaluation of one part into a number that can be added to those of others; more is better. */
function normaliser(
  name: string,
  { normalisation = 'minmax' }: WeightedObjective,
  part: Objective | undefined,
  evaluations: Evaluations,
): (evaluation: Evaluation) => number {
  const scores = [...evaluations.values()].map(({ score }) => score)
  if (typeof normalisation === 'object') {
    const [low, high] = normalisation.ranges[name] ?? [0, 1]
    const isMin = part !== undefined && isMetricObjective(part) && part.direction === 'min'
    return ({ value }) => (isMin ? high - value : value - low) / (high - low)
  }
  if (normalisation === 'zscore') return zScore(scores)
  return normalisation === 'rank' ? rank(scores) : minMax(scores)
}

/** From 0, the worst so far, to 1, the best. All equal: in the middle. */
function minMax(scores: readonly number[]): (evaluation: Evaluation) => number {
  const low = scores.reduce((least, score) => Math.min(least, score), Infinity)
  const high = scores.reduce((most, score) => Math.max(most, score), -Infinity)
  return ({ score }) => (high > low ? (score - low) / (high - low) : 0.5)
}

/** In standard deviations above the mean. All equal: 0. */
function zScore(scores: readonly number[]): (evaluation: Evaluation) => number {
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length
  const variance = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length
  const deviation = Math.sqrt(variance)
  return ({ score }) => (deviation > 0 ? (score - mean) / deviation : 0)
}

/** From 0, the worst so far, to 1, the best; equals share the middle of their places. */
function rank(scores: readonly number[]): (evaluation: Evaluation) => number {
  const sorted = scores.toSorted((one, other) => one - other)
  const places = new Map<number, { first: number; last: number }>()
  for (const [place, score] of sorted.entries()) {
    const found = places.get(score)
    places.set(score, { first: found?.first ?? place, last: place })
  }
  return ({ score }) => {
    const { first = 0, last = 0 } = places.get(score) ?? {}
    return sorted.length > 1 ? (first + last) / 2 / (sorted.length - 1) : 0.5
  }
}

function isWarmingUp({ warmUp }: MetricObjective | WeightedObjective, values: number, step: number): boolean {
  return values < (warmUp?.values ?? 0) || step < (warmUp?.step ?? 0)
}
