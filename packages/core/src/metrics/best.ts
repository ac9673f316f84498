import type { Evaluation, Evaluations } from './evaluate.ts'
import type { MetricObjective, Objective, Objectives, WeightedObjective } from './objective.ts'

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
  const best = improvements(evaluations.values(), objective).at(-1)
  if (best === undefined || isThere(best.step)) return best
  const there = [...evaluations.values()].filter(({ step }) => isThere(step))
  return improvements(there, objective).at(-1)
}

/** The best so many, best first; of equals the earlier step first, or the later if the objective says so. */
export function ranking(
  evaluations: Iterable<Evaluation>,
  { ties = 'earlier' }: Scored,
  count: number,
): readonly Evaluation[] {
  const sign = ties === 'earlier' ? 1 : -1
  const compare = (one: Evaluation, other: Evaluation): number =>
    other.score - one.score || sign * (one.step - other.step)
  const ranked: Evaluation[] = []
  for (const evaluation of evaluations) {
    const worst = ranked[count - 1]
    if (worst !== undefined && compare(evaluation, worst) >= 0) continue
    // Few are wanted of many, so that a place among them is found by looking, and seldom.
    const place = ranked.findIndex((other) => compare(evaluation, other) < 0)
    ranked.splice(place < 0 ? ranked.length : place, 0, evaluation)
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
  const all = [...evaluations.values()]
  const best = improvements(all, objective).at(-1)
  const last = all.at(-1)
  if (best === undefined || last === undefined) {
    return { best: undefined, valuesSince: 0, stepsSince: 0, reached: false }
  }
  const valuesSince = all.filter(({ step }) => step > best.step).length
  const { patience = Infinity } = objective
  return { best, valuesSince, stepsSince: last.step - best.step, reached: valuesSince >= patience }
}

/** The steps that are the best, or among the best that are not to be told apart, of each objective. */
export function bestSteps(
  evaluations: ReadonlyMap<string, Evaluations>,
  objectives: Objectives,
  steps: readonly number[],
): ReadonlyMap<string, readonly number[]> {
  const there = new Set(steps)
  return new Map(
    Object.entries(objectives).map(([name, objective]) => [
      name,
      stepsOf(objective, evaluations, name, steps, (step) => there.has(step)),
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
      objective.pareto.map((part) => evaluations.get(part) ?? new Map()),
    )
  }
  const best = bestOf(evaluations.get(name) ?? new Map(), objective, isThere)
  return best === undefined ? [] : [best.step]
}

/** Each evaluation that was better than the best before it, by more than `minDelta`, in their order. */
function improvements(evaluations: Iterable<Evaluation>, objective: Scored): readonly Evaluation[] {
  const improved: Evaluation[] = []
  for (const evaluation of evaluations) {
    const best = improved.at(-1)
    if (best === undefined || isBetter(evaluation, best, objective)) improved.push(evaluation)
  }
  return improved
}

function isBetter(one: Evaluation, best: Evaluation, { minDelta = 0, ties = 'earlier' }: Scored): boolean {
  const delta = typeof minDelta === 'number' ? minDelta : minDelta.relative * Math.abs(best.value)
  const gain = one.score - best.score
  return gain > delta || (ties === 'later' && gain === 0)
}
