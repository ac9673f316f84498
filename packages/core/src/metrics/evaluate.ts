import { Evaluations } from './evaluations.ts'
import {
  isMetricObjective,
  type MetricObjective,
  type Objective,
  type Objectives,
  partsOf,
  type WeightedObjective,
} from './objective.ts'
import { evaluateSeries, type History } from './series.ts'
import { placeIn } from './sorted.ts'

/**
 * What each objective with a score makes of a history. A metric that is missing, NaN or infinite is passed over: that
 * step has no evaluation, and the smoothing of later ones does not see it.
 *
 * All is derived from the recorded values alone. So a resumed run goes on exactly where it was, one that goes back to
 * an older step takes up what was known there, and other smoothing may be chosen later.
 */
export function evaluate(history: History, objectives: Objectives): ReadonlyMap<string, Evaluations> {
  const evaluations = new Map<string, Evaluations>()
  for (const [name, objective] of Object.entries(objectives)) {
    if (isMetricObjective(objective))
      evaluations.set(name, afterWarmUp(evaluateSeries(history, objective), objective))
  }
  for (const [name, objective] of Object.entries(objectives)) {
    if ('weights' in objective) evaluations.set(name, evaluateWeighted(objective, objectives, evaluations))
  }
  return evaluations
}

function evaluateWeighted(
  objective: WeightedObjective,
  objectives: Objectives,
  all: ReadonlyMap<string, Evaluations>,
): Evaluations {
  // In the order of their names, so that the sum does not depend on the order in which they were written.
  const names = partsOf(objective)
  const { steps: candidates } = all.get(names[0] ?? '') ?? Evaluations.none
  const parts = names.map((name) => {
    const evaluations = all.get(name) ?? Evaluations.none
    const normalised = normalise(name, objective, objectives[name], evaluations)
    return {
      weight: objective.weights[name] ?? 0,
      normalised: atSteps(candidates, evaluations.steps, normalised),
    }
  })
  const whole = parts.reduce((sum, { weight }) => sum + weight, 0)
  const steps = new Float64Array(candidates.length)
  const values = new Float64Array(candidates.length)
  let count = 0
  for (let place = 0; place < candidates.length; place += 1) {
    let sum = 0
    for (const { weight, normalised } of parts) sum += weight * (normalised[place] ?? Number.NaN)
    if (Number.isNaN(sum)) continue
    steps[count] = candidates[place] ?? Number.NaN
    values[count] = sum / whole
    count += 1
  }
  return afterWarmUp(new Evaluations(steps.subarray(0, count), values.subarray(0, count)), objective)
}

/** The numbers beside some steps, each at the place of its step among those that are wanted; NaN for one that lacks. */
function atSteps(wanted: Float64Array, steps: Float64Array, numbers: Float64Array): Float64Array {
  let place = 0
  return wanted.map((step) => {
    while ((steps[place] ?? Infinity) < step) place += 1
    return steps[place] === step ? (numbers[place] ?? Number.NaN) : Number.NaN
  })
}

/** The evaluations of one part as numbers that can be added to those of others; more is better. */
function normalise(
  name: string,
  { normalisation = 'minmax' }: WeightedObjective,
  part: Objective | undefined,
  { values, scores }: Evaluations,
): Float64Array {
  if (typeof normalisation === 'object') {
    const [low, high] = normalisation.ranges[name] ?? [0, 1]
    const isMin = part !== undefined && isMetricObjective(part) && part.direction === 'min'
    return values.map((value) => (isMin ? high - value : value - low) / (high - low))
  }
  if (normalisation === 'zscore') return zScore(scores)
  return normalisation === 'rank' ? rank(scores) : minMax(scores)
}

/** From 0, the worst so far, to 1, the best. All equal: in the middle. */
function minMax(scores: Float64Array): Float64Array {
  const low = scores.reduce((least, score) => Math.min(least, score), Infinity)
  const high = scores.reduce((most, score) => Math.max(most, score), -Infinity)
  return scores.map((score) => (high > low ? (score - low) / (high - low) : 0.5))
}

/** In standard deviations above the mean. All equal: 0. */
function zScore(scores: Float64Array): Float64Array {
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length
  const variance = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length
  const deviation = Math.sqrt(variance)
  return scores.map((score) => (deviation > 0 ? (score - mean) / deviation : 0))
}

/** From 0, the worst so far, to 1, the best; equals share the middle of their places. */
function rank(scores: Float64Array): Float64Array {
  const sorted = scores.toSorted((one, other) => one - other)
  const places = new Map<number, { first: number; last: number }>()
  for (const [place, score] of sorted.entries()) {
    const found = places.get(score)
    places.set(score, { first: found?.first ?? place, last: place })
  }
  return scores.map((score) => {
    const { first = 0, last = 0 } = places.get(score) ?? {}
    return sorted.length > 1 ? (first + last) / 2 / (sorted.length - 1) : 0.5
  })
}

/** The steps of a warm-up are the first, whether it is told in values or by a step. */
function afterWarmUp(evaluations: Evaluations, { warmUp }: MetricObjective | WeightedObjective): Evaluations {
  const { values = 1, step = 0 } = warmUp ?? {}
  return evaluations.from(Math.max(values - 1, placeIn(evaluations.steps, step)))
}
