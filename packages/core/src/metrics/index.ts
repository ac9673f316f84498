export { bestOf, bestSteps, paretoFront, type Plateau, plateauOf, ranking } from './best.ts'
export { evaluate, type MetricRecord } from './evaluate.ts'
export { type Evaluation, Evaluations } from './evaluations.ts'
export {
  assertObjectives,
  isMetricObjective,
  type MetricObjective,
  type MinDelta,
  type Normalisation,
  type Objective,
  type Objectives,
  objectivesSchema,
  type ParetoObjective,
  partsOf,
  type WeightedObjective,
} from './objective.ts'
export {
  describeSmoothing,
  type Smoothing,
  smoothedValue,
  smoothingStart,
  type SmoothingState,
  smoothOn,
  smoothSeries,
} from './smoothing.ts'
export { isIn } from './sorted.ts'
