import { own } from '../input/records.ts'
import { Evaluations } from './evaluations.ts'
import {
  isMetricObjective,
  type MetricObjective,
  type Objective,
  type Objectives,
  partsOfObjective,
  type WeightedObjective,
} from './objective.ts'
import { evaluateSeries, type History } from './series.ts'
import { insertionIndex } from './sorted.ts'

/**
 * Evaluates a history by each objective that has a score. A step whose metric is missing, NaN or infinite has no evaluation,
 * and the smoothing of later steps ignores it.
 *
 * Everything is derived from the recorded values and the order in which they were recorded. So a resumed run continues
 * exactly, and a run that goes back to an older step continues with the smoothing of that step.
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

/**
 * Returns the names of the objectives without a value: no finite value of the metric is recorded, or no step has the metrics
 * of all parts. A warm-up does not count, since it ends by itself.
 */
export function objectivesWithoutValue(
  history: History,
  objectives: Objectives,
  evaluations: ReadonlyMap<string, Evaluations>,
): readonly string[] {
  return Object.entries(objectives).flatMap(([name, objective]) => {
    if ((evaluations.get(name)?.steps.length ?? 0) > 0) return []
    const parts = isMetricObjective(objective)
      ? [objective]
      : partsOfObjective(objective).flatMap((part) => own(objectives, part) ?? [])
    const series = parts.map((part) =>
      isMetricObjective(part) ? evaluateSeries(history, part) : Evaluations.none,
    )
    const [first = Evaluations.none, ...others] = series
    const hasValue = first.steps.some((step) => others.every((other) => other.get(step) !== undefined))
    return hasValue ? [] : [name]
  })
}

function evaluateWeighted(
  objective: WeightedObjective,
  objectives: Objectives,
  all: ReadonlyMap<string, Evaluations>,
): Evaluations {
  // The parts are sorted by name, so that the rounding of the sum does not depend on the order of definition.
  const parts = partsOfObjective(objective).map((name) => {
    const evaluations = all.get(name) ?? Evaluations.none
    const normalised = normalise(name, objective, own(objectives, name), evaluations)
    return { weight: own(objective.weights, name) ?? 0, steps: evaluations.steps, normalised, place: 0 }
  })
  const whole = parts.reduce((sum, { weight }) => sum + weight, 0)
  const [firstPart] = partsOfObjective(objective)
  const {
    steps: candidates,
    recording,
    abandoned,
  } = (firstPart === undefined ? undefined : all.get(firstPart)) ?? Evaluations.none
  const steps = new Float64Array(candidates.length)
  const values = new Float64Array(candidates.length)
  const placeOf = new Float64Array(candidates.length).fill(-1)
  let count = 0
  for (let candidate = 0; candidate < candidates.length; candidate += 1) {
    const step = candidates[candidate] ?? Number.NaN
    let sum = 0
    for (const part of parts) {
      while ((part.steps[part.place] ?? Infinity) < step) part.place += 1
      sum += part.steps[part.place] === step ? part.weight * part.normalised(part.place) : Number.NaN
    }
    if (Number.isNaN(sum)) continue
    steps[count] = step
    values[count] = sum / whole
    placeOf[candidate] = count
    count += 1
  }
  const judged = values.subarray(0, count)
  const places = recording?.map((candidate) => placeOf[candidate] ?? -1).filter((place) => place >= 0)
  const weighted = new Evaluations(steps.subarray(0, count), judged, judged, places, abandoned)
  return afterWarmUp(weighted, objective)
}

/** Returns the evaluation at a place as a number that can be added to those of other parts. Higher is better. */
type Normalised = (place: number) => number

function normalise(
  name: string,
  { normalisation = 'minmax' }: WeightedObjective,
  part: Objective | undefined,
  evaluations: Evaluations,
): Normalised {
  const { values, scores } = evaluations
  if (typeof normalisation === 'object') {
    const [low, high] = own(normalisation.ranges, name) ?? [0, 1]
    const isMin = part !== undefined && isMetricObjective(part) && part.direction === 'min'
    return isMin ? linear(values, high, low - high) : linear(values, low, high - low)
  }
  const counted = countedScores(evaluations)
  if (normalisation === 'zscore') return zScore(scores, counted)
  return normalisation === 'rank' ? rank(scores, counted) : minMax(scores, counted)
}

/** Returns the scores that make the scale: those that no rewind abandoned, or all if there are no others. */
function countedScores({ steps, scores, abandoned }: Evaluations): Float64Array {
  if (abandoned.size === 0) return scores
  const live = scores.filter((_, place) => !abandoned.has(steps[place] ?? Number.NaN))
  return live.length > 0 ? live : scores
}

/** Returns 0 for the worst counted score so far and 1 for the best. If all are equal, returns 0.5. */
function minMax(scores: Float64Array, counted: Float64Array): Normalised {
  let [low, high] = [Infinity, -Infinity]
  for (const score of counted) {
    low = Math.min(low, score)
    high = Math.max(high, score)
  }
  return high > low ? linear(scores, low, high - low) : () => 0.5
}

/** Returns the number of standard deviations above the mean of the counted scores. If all are equal, returns 0. */
function zScore(scores: Float64Array, counted: Float64Array): Normalised {
  // The mean of equal scores is rounded, so their deviation is not always 0.
  if (counted.every((score) => score === counted[0])) return () => 0
  const mean = counted.reduce((sum, score) => sum + score, 0) / counted.length
  const variance = counted.reduce((sum, score) => sum + (score - mean) ** 2, 0) / counted.length
  const deviation = Math.sqrt(variance)
  return deviation > 0 ? linear(scores, mean, deviation) : () => 0
}

/** Returns 0 for the worst counted rank so far and 1 for the best. Equal scores share the mean of their ranks. */
function rank(scores: Float64Array, counted: Float64Array): Normalised {
  const sorted = counted.toSorted()
  const places = new Map<number, { first: number; last: number }>()
  for (const [place, score] of sorted.entries()) {
    const found = places.get(score)
    places.set(score, { first: found?.first ?? place, last: place })
  }
  return (place) => {
    const score = scores[place] ?? Number.NaN
    const above = insertionIndex(sorted, score)
    const { first, last } = places.get(score) ?? { first: above, last: above - 1 }
    return sorted.length > 1 ? (first + last) / 2 / (sorted.length - 1) : 0.5
  }
}

function linear(numbers: Float64Array, origin: number, unit: number): Normalised {
  return (place) => ((numbers[place] ?? Number.NaN) - origin) / unit
}

function afterWarmUp(evaluations: Evaluations, { warmUp }: MetricObjective | WeightedObjective): Evaluations {
  const { values = 1, step = 0 } = warmUp ?? {}
  return evaluations.after(values - 1, step)
}
