export { bestOf, bestSteps, paretoFront, type Plateau, plateauOf, ranking } from './best.ts'
export { evaluate, type Evaluation, type Evaluations, type MetricRecord } from './evaluate.ts'
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
} from './smoothing.ts'
