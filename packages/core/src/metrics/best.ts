import { type Evaluation, Evaluations } from './evaluations.ts'
import type { MetricObjective, Objectives, WeightedObjective } from './objective.ts'

/** An objective that gives each step a score. */
type Scored = MetricObjective | WeightedObjective

/**
 * Returns the best listed step. If the best of the whole history is listed, it is that one, so dropping others never changes
 * it. Otherwise abandoned steps that are not listed do not count, and then no step that is not listed. Returns `undefined` if
 * no step has a value.
 */
export function bestOf(
  evaluations: Evaluations,
  objective: Scored,
  isThere: (step: number) => boolean,
): Evaluation | undefined {
  const isRecorded = (): boolean => true
  const isThereOrLive = (step: number): boolean => isThere(step) || !evaluations.abandoned.has(step)
  for (const counts of [isRecorded, isThereOrLive]) {
    const best = lastImprovement(evaluations, objective, counts)?.evaluation
    if (best === undefined || isThere(best.step)) return best
  }
  return lastImprovement(evaluations, objective, isThere)?.evaluation
}

/**
 * Returns the best `count` of these steps, best first. `steps` must be ascending. If scores are equal, `ties` of the
 * objective decides which step comes first.
 */
export function ranking(
  evaluations: Evaluations,
  { ties = 'earlier' }: Scored,
  count: number,
  steps: readonly number[],
): readonly Evaluation[] {
  const sign = ties === 'earlier' ? 1 : -1
  const compare = (one: Evaluation, other: Evaluation): number =>
    other.score - one.score || sign * (one.step - other.step)
  const ranked: Evaluation[] = []
  let place = 0
  for (const step of steps) {
    while ((evaluations.steps[place] ?? Infinity) < step) place += 1
    // Skips most steps quickly, because few of many are requested.
    if ((evaluations.scores[place] ?? Number.NaN) < (ranked[count - 1]?.score ?? -Infinity)) continue
    const evaluation = evaluations.at(place)
    if (evaluation?.step !== step) continue
    const behind = ranked.findIndex((other) => compare(evaluation, other) < 0)
    ranked.splice(behind < 0 ? ranked.length : behind, 0, evaluation)
    if (ranked.length > count) ranked.pop()
  }
  return ranked
}

/**
 * Returns, in ascending order, the listed steps that no other listed step beats. A step beats another if it is at least
 * as good in every objective and better in one.
 */
export function paretoFront(
  parts: readonly Evaluations[],
  isThere: (step: number) => boolean,
): readonly number[] {
  const points = [...(parts[0]?.steps ?? [])].filter(isThere).flatMap((step) => {
    const scores = parts.flatMap((part) => part.get(step)?.score ?? [])
    return scores.length === parts.length ? [{ step, scores }] : []
  })
  const beats = (one: (typeof points)[number], other: (typeof points)[number]): boolean =>
    one.scores.every((score, index) => score >= (other.scores[index] ?? Infinity)) &&
    one.scores.some((score, index) => score > (other.scores[index] ?? Infinity))
  // A point that beats another precedes it in this order. If any point beats it, a point of the front does, too.
  const front: (typeof points)[number][] = []
  for (const point of points.toSorted((one, other) => compareScores(other.scores, one.scores))) {
    if (!front.some((other) => beats(other, point))) front.push(point)
  }
  return front.map(({ step }) => step).sort((one, other) => one - other)
}

/** Compares the first scores that differ. */
function compareScores(one: readonly number[], other: readonly number[]): number {
  const differing = one.findIndex((score, index) => score !== other[index])
  return differing < 0 ? 0 : (one[differing] ?? 0) - (other[differing] ?? 0)
}

/** The time since an objective last improved. Values that a rewind abandoned do not count. */
export interface Plateau {
  readonly best: Evaluation | undefined
  /** The number of values that were recorded after the last improvement. A value equal to the best is none. */
  readonly valuesSince: number
  /** The number of steps from the last improvement to the value recorded last. 0 if the run went back to before it. */
  readonly stepsSince: number
  /** Whether `valuesSince` is at least the `patience` of the objective. Always false if it has no patience. */
  readonly reached: boolean
}

/** Uses the whole history, including steps whose checkpoints are deleted. */
export function plateauOf(evaluations: Evaluations, objective: Scored): Plateau {
  const isLive = (step: number): boolean => !evaluations.abandoned.has(step)
  const improvement = lastImprovement(evaluations, objective, isLive)
  const newest = evaluations.steps.filter(isLive).length - 1
  const last = evaluations.recordedAt(newest)
  if (improvement === undefined || last === undefined) {
    return { best: undefined, valuesSince: 0, stepsSince: 0, reached: false }
  }
  const { evaluation: best, gainedAt } = improvement
  const valuesSince = newest - gainedAt
  const stepsSince = Math.max(0, last.step - (evaluations.recordedAt(gainedAt) ?? best).step)
  const { patience = Infinity } = objective
  return { best, valuesSince, stepsSince, reached: valuesSince >= patience }
}

/** Returns the best listed steps by objective. Only a Pareto objective can have several. */
export function bestSteps(
  evaluations: ReadonlyMap<string, Evaluations>,
  objectives: Objectives,
  isThere: (step: number) => boolean,
): ReadonlyMap<string, readonly number[]> {
  const of = (name: string): Evaluations => evaluations.get(name) ?? Evaluations.none
  return new Map(
    Object.entries(objectives).map(([name, objective]) => {
      if ('pareto' in objective) return [name, paretoFront(objective.pareto.map(of), isThere)]
      const best = bestOf(of(name), objective, isThere)
      return [name, best === undefined ? [] : [best.step]]
    }),
  )
}

/**
 * Returns the last value that counts and was better than the best before it, or with `ties: 'later'` as good. An abandoned value
 * must be better. `gainedAt` is the index of the last that was better, in the order of recording.
 */
function lastImprovement(
  evaluations: Evaluations,
  { minDelta = 0, ties = 'earlier' }: Scored,
  counts: (step: number) => boolean,
): { readonly evaluation: Evaluation; readonly gainedAt: number } | undefined {
  const { steps, values, scores, recording, abandoned } = evaluations
  let best: number | undefined
  let gainedAt = 0
  let bestScore = -Infinity
  let delta = 0
  for (let index = 0; index < scores.length; index += 1) {
    const place = recording?.[index] ?? index
    const step = steps[place] ?? Number.NaN
    const gain = (scores[place] ?? Number.NaN) - bestScore
    const isBetter = best === undefined || gain > delta
    const isTaken = isBetter || (ties === 'later' && gain === 0 && !abandoned.has(step))
    if (!isTaken || !counts(step)) continue
    best = index
    if (isBetter) gainedAt = index
    bestScore = scores[place] ?? Number.NaN
    delta =
      typeof minDelta === 'number' ? minDelta : minDelta.relative * Math.abs(values[place] ?? Number.NaN)
  }
  const evaluation = best === undefined ? undefined : evaluations.recordedAt(best)
  return best === undefined || evaluation === undefined ? undefined : { evaluation, gainedAt }
}
