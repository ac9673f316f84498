export { assertObjectives, bestBy, type Objective, type Objectives, type Scored } from './objective.ts'
