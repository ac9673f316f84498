import { isDeepStrictEqual } from 'node:util'
import {
  bestSteps,
  evaluate,
  type Evaluations,
  type Objectives,
  objectivesWithoutValue,
} from '../../metrics/index.ts'
import {
  abandonedReasons,
  decideRetention,
  type Decision,
  type Present,
  type RetentionPlan,
  type RoomWanted,
} from '../../retention/index.ts'
import { ListedCandidate } from './candidate.ts'
import type { AttemptId, CatalogEntry } from '../documents/index.ts'
import { notMirroredYet, protectedUntilMirrored } from './unmirrored.ts'
import { compareOrders } from '../../order-key.ts'
import { abandonedAt, type WholeCatalog } from '../pages/index.ts'

/** The objectives and the retention of a process. */
export interface Keeping {
  readonly objectives: Objectives
  readonly retention: RetentionPlan
}

/** All lines of a catalog. */
export type Lines = Pick<WholeCatalog, 'metrics' | 'checkpoints' | 'abandoned' | 'mirror'>

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
    best: bestListed(evaluations, objectives, catalog),
    unscored: objectivesWithoutValue(history, objectives, evaluations),
  }
}

/**
 * Returns the judgement for another list of checkpoints. Scores do not change, because metrics remain when checkpoints
 * are deleted.
 */
export function relisted(judgement: Judgement, lines: Lines): Judgement {
  const { evaluations, objectives } = judgement
  return { ...judgement, best: bestListed(evaluations, objectives, lines) }
}

function bestListed(
  evaluations: Judgement['evaluations'],
  objectives: Objectives,
  lines: Lines,
): Judgement['best'] {
  return bestSteps(evaluations, objectives, (step) => holderOf(lines, step) !== undefined)
}

/**
 * The checkpoint that has the metrics of a step: the listed one, or an abandoned one as long as its step was not saved again.
 */
export function holderOf(lines: Lines, step: number): CatalogEntry | undefined {
  const listed = lines.checkpoints.get(step)
  if (listed !== undefined) return listed
  const abandoned = (lines.abandoned ?? []).filter((entry) => entry.step === step)
  const line = abandoned.length === 0 ? undefined : lines.metrics.get(step)
  const holders = abandoned.filter(({ order }) => line && compareOrders(line.order, order) === 0)
  // Two saves of a step may have equal order keys. The metrics show whose line it is.
  return holders.find(({ metrics }) => isDeepStrictEqual(metrics, line?.metrics)) ?? holders.at(-1)
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
 * checkpoint cannot be dropped now. The best listed ones are kept even if an abandoned one is better.
 */
export function retain(
  catalog: Lines,
  judgement: Judgement,
  retention: RetentionPlan,
  at: Present,
  inUse: (entry: CatalogEntry) => string | undefined,
  room?: RoomWanted,
): readonly Decision[] {
  const unmirrored = protectedUntilMirrored(catalog.mirror)
  const checkpoints = catalog.checkpoints.all.map(
    (entry) =>
      new ListedCandidate(entry, inUse(entry), unmirrored.has(entry.attempt) ? notMirroredYet : undefined),
  )
  const { best } = relisted(judgement, { ...catalog, abandoned: [] })
  return decideRetention(retention, { ...judgement, ...at, best, checkpoints }, room)
}

/** Returns why abandoned checkpoints stay, by attempt. The others are dropped by the next save. */
export function retainAbandoned(
  lines: Lines,
  judgement: Judgement,
  retention: RetentionPlan,
  at: Present,
  inUse: (entry: CatalogEntry) => string | undefined = () => undefined,
): ReadonlyMap<AttemptId, readonly string[]> {
  const candidates = new Map(
    (lines.abandoned ?? []).map((entry) => [entry.attempt, new ListedCandidate(entry, inUse(entry))]),
  )
  const isFree = ({ step, attempt }: CatalogEntry): boolean =>
    lines.checkpoints.get(step) === undefined &&
    (holderOf(lines, step) ?? abandonedAt(lines, step))?.attempt === attempt
  const free = (lines.abandoned ?? []).filter(isFree)
  const checkpoints = [
    ...lines.checkpoints.all.map((entry) => new ListedCandidate(entry, undefined)),
    ...free.flatMap(({ attempt }) => candidates.get(attempt) ?? []),
  ].sort((one, other) => one.step - other.step)
  const reasons = abandonedReasons(retention, { ...judgement, ...at, checkpoints }, [...candidates.values()])
  return new Map(
    [...candidates].flatMap(([attempt, candidate]) => {
      const because = reasons.get(candidate) ?? []
      return because.length === 0 ? [] : [[attempt, because]]
    }),
  )
}

export function hasFields(object: object): boolean {
  return Object.keys(object).length > 0
}
