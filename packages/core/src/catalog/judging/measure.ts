import { HoldfastError } from '../../errors.ts'
import { metricsOf } from '../documents/index.ts'
import { Evaluations, type Plateau, plateauOf } from '../../metrics/index.ts'
import { scoresOf } from './judgement.ts'
import type { JudgedCatalog } from './judged-catalog.ts'
import { unknownObjective } from './unknown-objective.ts'
import { own } from '../../input/records.ts'

/** The metrics of one step, even if its checkpoint is deleted. */
export interface MeasuredStep {
  readonly step: number
  readonly metrics: Readonly<Record<string, number>>
  /** The value of each objective. Objectives without a value are omitted. */
  readonly scores: Readonly<Record<string, number>>
  /** Whether its checkpoint is listed. */
  readonly listed: boolean
  /** Whether a rewind left its checkpoint behind. */
  readonly abandoned: boolean
}

/** Returns every step that ever had metrics, in the order of steps. */
export function measuredSteps({ whole, judgement }: JudgedCatalog): readonly MeasuredStep[] {
  const listed = new Set(whole.checkpoints.all.map(({ step }) => step))
  return whole.metrics.all.map(({ step, metrics, abandoned = false }) => ({
    step,
    metrics: metricsOf(metrics),
    scores: scoresOf(judgement, step),
    listed: listed.has(step),
    abandoned,
  }))
}

/**
 * Returns how long an objective has not improved. Throws `INVALID_ARGUMENT` for an unknown objective, and for one that
 * can have several best checkpoints.
 */
export function plateau({ judgement }: JudgedCatalog, name: string): Plateau {
  const { objectives, evaluations } = judgement
  const objective = own(objectives, name)
  if (objective === undefined) throw unknownObjective(name, objectives)
  if ('pareto' in objective) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `${name} can have several best steps, so it has no plateau. Choose an objective of one metric.`,
    )
  }
  return plateauOf(evaluations.get(name) ?? Evaluations.none, objective)
}
