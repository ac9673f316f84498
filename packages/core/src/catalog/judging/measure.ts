import { HoldfastError } from '../../errors.ts'
import { metricsOf } from '../documents/index.ts'
import { Evaluations, type Objectives, type Plateau, plateauOf } from '../../metrics/index.ts'
import type { WholeCatalog } from '../pages/index.ts'
import { judge, type Keeping } from './judgement.ts'
import { own } from '../../records.ts'

/** The metrics of one step, whether or not its checkpoint is still there. */
export interface MeasuredStep {
  readonly step: number
  readonly metrics: Readonly<Record<string, number>>
  /** What each objective makes of it; none for what cannot be judged. */
  readonly scores: Readonly<Record<string, number>>
  /** Whether its checkpoint is listed. */
  readonly listed: boolean
}

/** Every step that ever had metrics, in the order of the steps. */
export function measuredSteps(catalog: WholeCatalog, { objectives }: Keeping): readonly MeasuredStep[] {
  const { evaluations } = judge(catalog, objectives)
  const listed = new Set(catalog.checkpoints.all.map(({ step }) => step))
  return catalog.metrics.all.map(({ step, metrics }) => ({
    step,
    metrics: metricsOf(metrics),
    scores: Object.fromEntries(
      [...evaluations].flatMap(([name, found]) => {
        const value = found.get(step)?.value
        return value === undefined ? [] : [[name, value]]
      }),
    ),
    listed: listed.has(step),
  }))
}

/** How long an objective has not improved. Throws `INVALID_ARGUMENT` for one that is not there, or has no single best. */
export function plateau(catalog: WholeCatalog, { objectives }: Keeping, name: string): Plateau {
  const objective = own(objectives, name)
  if (objective === undefined) throw unknown(name, objectives)
  if ('pareto' in objective) {
    throw new HoldfastError('INVALID_ARGUMENT', `${name} has a front of best steps, and no plateau.`)
  }
  return plateauOf(judge(catalog, objectives).evaluations.get(name) ?? Evaluations.none, objective)
}

function unknown(name: string, objectives: Objectives): HoldfastError {
  const known = Object.keys(objectives).join(', ') || 'none'
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `There is no objective ${JSON.stringify(name)}. Known: ${known}.`,
  )
}
