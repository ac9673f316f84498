import { isMetricObjective, type Objectives, partsOfObjective } from '../../metrics/index.ts'
import { nearestName } from '../../input/nearest-name.ts'
import { own } from '../../input/records.ts'
import type { JudgedCatalog } from './judged-catalog.ts'

/** An objective that cannot judge any step yet, because its metric was never recorded. */
export interface UnscoredObjective {
  readonly objective: string
  /** Its metrics that have no finite value; or all its metrics, if no step has all of them. */
  readonly metrics: readonly string[]
  /** Every metric that was ever recorded, in alphabetical order. */
  readonly recorded: readonly string[]
  /** The recorded metric whose name is nearest to the first of `metrics`; `undefined` if none is near. */
  readonly nearest: string | undefined
}

/** Returns the objectives without a first value. A combined objective is included only if all its parts have values. */
export function unscoredObjectives({ whole, judgement }: JudgedCatalog): readonly UnscoredObjective[] {
  const { objectives, unscored } = judgement
  if (unscored.length === 0) return []
  const recorded = [...new Set(whole.metrics.all.flatMap(({ metrics }) => Object.keys(metrics)))].sort()
  return unscored.flatMap((name) => {
    const objective = own(objectives, name)
    if (objective === undefined || partsOfObjective(objective).some((part) => unscored.includes(part)))
      return []
    const metrics = isMetricObjective(objective)
      ? [objective.metric]
      : partsOfObjective(objective).flatMap((part) => metricOf(part, objectives))
    return [{ objective: name, metrics, recorded, nearest: nearestName(metrics[0] ?? '', recorded) }]
  })
}

function metricOf(name: string, objectives: Objectives): readonly string[] {
  const objective = own(objectives, name)
  return objective !== undefined && isMetricObjective(objective) ? [objective.metric] : []
}
