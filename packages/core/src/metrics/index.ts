export { bestOf, bestSteps, paretoFront, type Plateau, plateauOf, ranking } from './best.ts'
export { evaluate, objectivesWithoutValue } from './evaluate.ts'
export { type Evaluation, Evaluations } from './evaluations.ts'
export {
  assertObjectives,
  isMetricObjective,
  type MetricObjective,
  type MinDelta,
  type Normalisation,
  type Objective,
  type Objectives,
  objectiveKinds,
  objectiveSchema,
  objectivesSchema,
  type ParetoObjective,
  partsOfObjective,
  sameObjective,
  type WeightedObjective,
} from './objective.ts'
export type { History, MetricRecord } from './series.ts'
export { Smoother, type Smoothing } from './smoothing.ts'
