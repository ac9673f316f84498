import {
  bestSteps,
  evaluate,
  type Evaluations,
  type Objectives,
  objectivesWithoutValue,
} from '../../metrics/index.ts'
import {
  decideRetention,
  type Decision,
  type Present,
  type RetentionPlan,
  type RoomWanted,
} from '../../retention/index.ts'
import { ListedCandidate } from './candidate.ts'
import type { CatalogEntry } from '../documents/index.ts'
import type { WholeCatalog } from '../pages/index.ts'

/** The objectives and the retention of a process. */
export interface Keeping {
  readonly objectives: Objectives
  readonly retention: RetentionPlan
}

/** All lines of a catalog. */
export type Lines = Pick<WholeCatalog, 'metrics' | 'checkpoints'>

/** The scores of all steps and the best checkpoints, by objective. */
export interface Judgement {
  readonly objectives: Objectives
  readonly evaluations: ReadonlyMap<string, Evaluations>
  /** The best listed steps of each objective. */
  readonly best: ReadonlyMap<string, readonly number[]>
  /** The objectives without a value. Any checkpoint may become their best. */
  readonly unscored: readonly string[]
}

/** Judges a catalog by its whole history and whole list. No result is stored, so scores and lists always agree. */
export function judge(catalog: Lines, objectives: Objectives): Judgement {
  const history = catalog.metrics.stretches
  const evaluations = evaluate(history, objectives)
  return {
    objectives,
    evaluations,
    best: bestListed(evaluations, objectives, catalog.checkpoints),
    unscored: objectivesWithoutValue(history, objectives, evaluations),
  }
}

/**
 * Returns the judgement for another list of checkpoints. Scores do not change, because metrics remain when checkpoints
 * are deleted.
 */
export function relisted(judgement: Judgement, checkpoints: Lines['checkpoints']): Judgement {
  const { evaluations, objectives } = judgement
  return { ...judgement, best: bestListed(evaluations, objectives, checkpoints) }
}

function bestListed(
  evaluations: Judgement['evaluations'],
  objectives: Objectives,
  checkpoints: Lines['checkpoints'],
): Judgement['best'] {
  return bestSteps(evaluations, objectives, (step) => checkpoints.get(step) !== undefined)
}

/** Returns the names of the objectives for which a step is the best. */
export function bestNames({ best }: Judgement, step: number): readonly string[] {
  return [...best].flatMap(([name, steps]) => (steps.includes(step) ? [name] : []))
}

/** Returns the value of each objective at a step. Objectives without a value are omitted. */
export function scoresOf({ evaluations }: Judgement, step: number): Readonly<Record<string, number>> {
  return Object.fromEntries(
    [...evaluations].flatMap(([name, each]) => {
      const value = each.get(step)?.value
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

/**
 * Decides which checkpoints of a judged catalog are kept and which are dropped, with reasons. `inUse` returns why a
 * checkpoint cannot be dropped now.
 */
export function retain(
  catalog: Lines,
  judgement: Judgement,
  retention: RetentionPlan,
  at: Present,
  inUse: (entry: CatalogEntry) => string | undefined,
  room?: RoomWanted,
): readonly Decision[] {
  const checkpoints = catalog.checkpoints.all.map((entry) => new ListedCandidate(entry, inUse(entry)))
  return decideRetention(retention, { ...judgement, ...at, checkpoints }, room)
}

export function hasFields(object: object): boolean {
  return Object.keys(object).length > 0
}
