import { type Evaluation, Evaluations } from './evaluations.ts'
import type { MetricObjective, Objective, Objectives, WeightedObjective } from './objective.ts'
import { isIn, placeIn } from './sorted.ts'

/** An objective that gives each step a score. */
type Scored = MetricObjective | WeightedObjective

/**
 * The best of the steps that are there: by the whole history where its best is among them, so that to drop others
 * never changes it; else by those that are there alone. `undefined` when none could be judged.
 */
export function bestOf(
  evaluations: Evaluations,
  objective: Scored,
  isThere: (step: number) => boolean,
): Evaluation | undefined {
  const best = lastImprovement(evaluations, objective, () => true)
  if (best === undefined || isThere(best.step)) return best
  return lastImprovement(evaluations, objective, isThere)
}

/**
 * The best so many of those that are there, best first; of equals the earlier step first, or the later if the objective
 * says so.
 */
export function ranking(
  evaluations: Evaluations,
  { ties = 'earlier' }: Scored,
  count: number,
  isThere: (step: number) => boolean,
): readonly Evaluation[] {
  const sign = ties === 'earlier' ? 1 : -1
  const compare = (one: Evaluation, other: Evaluation): number =>
    other.score - one.score || sign * (one.step - other.step)
  const ranked: Evaluation[] = []
  for (let place = 0; place < evaluations.scores.length; place += 1) {
    const score = evaluations.scores[place] ?? Number.NaN
    // Few are wanted of many: most are passed over here.
    if (score < (ranked[count - 1]?.score ?? -Infinity)) continue
    const evaluation = evaluations.at(place)
    if (evaluation === undefined || !isThere(evaluation.step)) continue
    const behind = ranked.findIndex((other) => compare(evaluation, other) < 0)
    ranked.splice(behind < 0 ? ranked.length : behind, 0, evaluation)
    if (ranked.length > count) ranked.pop()
  }
  return ranked
}

/** The steps that no other step beats: at least as good in every objective, and better in one. In their order. */
export function paretoFront(steps: readonly number[], parts: readonly Evaluations[]): readonly number[] {
  const points = steps.flatMap((step) => {
    const scores = parts.flatMap((part) => part.get(step)?.score ?? [])
    return scores.length === parts.length ? [{ step, scores }] : []
  })
  const beats = (one: (typeof points)[number], other: (typeof points)[number]): boolean =>
    one.scores.every((score, index) => score >= (other.scores[index] ?? Infinity)) &&
    one.scores.some((score, index) => score > (other.scores[index] ?? Infinity))
  // Whoever beats another stands before it in this order; and if any does, one of the front does.
  const front: (typeof points)[number][] = []
  for (const point of points.toSorted((one, other) => compareScores(other.scores, one.scores))) {
    if (!front.some((other) => beats(other, point))) front.push(point)
  }
  return front.map(({ step }) => step).sort((one, other) => one - other)
}

/** By the first scores that differ. */
function compareScores(one: readonly number[], other: readonly number[]): number {
  const differing = one.findIndex((score, index) => score !== other[index])
  return differing < 0 ? 0 : (one[differing] ?? 0) - (other[differing] ?? 0)
}

/** How long an objective has not improved. */
export interface Plateau {
  readonly best: Evaluation | undefined
  /** Values recorded since the best, and steps. */
  readonly valuesSince: number
  readonly stepsSince: number
  /** Whether that is the `patience` of the objective, or more. Always false without one. */
  readonly reached: boolean
}

/** By the whole history, whether or not its checkpoints are there. */
export function plateauOf(evaluations: Evaluations, objective: Scored): Plateau {
  const best = lastImprovement(evaluations, objective, () => true)
  const last = evaluations.at(evaluations.steps.length - 1)
  if (best === undefined || last === undefined) {
    return { best: undefined, valuesSince: 0, stepsSince: 0, reached: false }
  }
  const valuesSince = evaluations.steps.length - 1 - placeIn(evaluations.steps, best.step)
  const { patience = Infinity } = objective
  return { best, valuesSince, stepsSince: last.step - best.step, reached: valuesSince >= patience }
}

/**
 * Of each objective, the best of these steps, which are in their order; or those that are not to be told apart as the
 * best.
 */
export function bestSteps(
  evaluations: ReadonlyMap<string, Evaluations>,
  objectives: Objectives,
  steps: readonly number[],
): ReadonlyMap<string, readonly number[]> {
  return new Map(
    Object.entries(objectives).map(([name, objective]) => [
      name,
      stepsOf(objective, evaluations, name, steps, (step) => isIn(steps, step)),
    ]),
  )
}

function stepsOf(
  objective: Objective,
  evaluations: ReadonlyMap<string, Evaluations>,
  name: string,
  steps: readonly number[],
  isThere: (step: number) => boolean,
): readonly number[] {
  if ('pareto' in objective) {
    return paretoFront(
      steps,
      objective.pareto.map((part) => evaluations.get(part) ?? Evaluations.none),
    )
  }
  const best = bestOf(evaluations.get(name) ?? Evaluations.none, objective, isThere)
  return best === undefined ? [] : [best.step]
}

/** The last that was better than the best before it, of those that are there. */
function lastImprovement(
  evaluations: Evaluations,
  objective: Scored,
  isThere: (step: number) => boolean,
): Evaluation | undefined {
  let best: Evaluation | undefined
  for (let place = 0; place < evaluations.scores.length; place += 1) {
    const score = evaluations.scores[place] ?? Number.NaN
    if (best !== undefined && !isBetter(score, best, objective)) continue
    const better = evaluations.at(place)
    if (better !== undefined && isThere(better.step)) best = better
  }
  return best
}

function isBetter(score: number, best: Evaluation, { minDelta = 0, ties = 'earlier' }: Scored): boolean {
  const delta = typeof minDelta === 'number' ? minDelta : minDelta.relative * Math.abs(best.value)
  const gain = score - best.score
  return gain > delta || (ties === 'later' && gain === 0)
}
