import { isDeepStrictEqual } from 'node:util'
import * as v from 'valibot'
import { HoldfastError } from '../errors.ts'
import type { Smoothing } from './smoothing.ts'
import { membersOf, own, recordOf } from '../input/records.ts'

/** The improvement by which a value must exceed the best so far to become the best. */
export type MinDelta = number | { readonly relative: number }

/** The options of every objective with a score. */
interface Scoring {
  /** Default: any improvement counts. `{ relative: 0.01 }` is relative to the absolute value of the best so far. */
  readonly minDelta?: MinDelta | undefined
  /** Ignores values until this number of them has been recorded, and values of earlier steps. */
  readonly warmUp?: { readonly values?: number | undefined; readonly step?: number | undefined } | undefined
  /** Which of several equal values is the best. Default: the one recorded first. */
  readonly ties?: 'earlier' | 'later' | undefined
  /** The number of values recorded without an improvement after which the objective has reached a plateau. */
  readonly patience?: number | undefined
}

/** The lowest or the highest value of one metric. */
export interface MetricObjective extends Scoring {
  readonly metric: string
  readonly direction: 'min' | 'max'
  readonly smoothing?: Smoothing | undefined
}

/**
 * How values of different scales are made comparable: by the minimum and maximum so far, by mean and standard
 * deviation, by rank among all values so far, or by given ranges in the unit of each metric.
 */
export type Normalisation<Name extends string = string> =
  | 'minmax'
  | 'zscore'
  | 'rank'
  | { readonly ranges: Readonly<Partial<Record<Name, readonly [low: number, high: number]>>> }

/** The weighted sum of several objectives. Each is normalised first, so that higher is better. */
export interface WeightedObjective<Name extends string = string> extends Scoring {
  readonly weights: Readonly<Partial<Record<Name, number>>>
  /** Default: `minmax`. */
  readonly normalisation?: Normalisation<Name> | undefined
}

/** Selects every step that no other step beats in all of these objectives. It needs no weights. */
export interface ParetoObjective<Name extends string = string> {
  readonly pareto: readonly Name[]
}

/** Defines which checkpoint is the best. */
export type Objective<Name extends string = string> =
  | MetricObjective
  | WeightedObjective<Name>
  | ParetoObjective<Name>

/** Objectives by name. */
export type Objectives<Name extends string = string> = Readonly<Record<Name, Objective<NoInfer<Name>>>>

const positive = v.pipe(v.number(), v.finite(), v.gtValue(0))
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1))

const scoring = {
  minDelta: v.optional(
    v.union([v.pipe(v.number(), v.finite(), v.minValue(0)), v.strictObject({ relative: positive })]),
  ),
  warmUp: v.optional(
    v.strictObject({
      values: v.optional(count),
      step: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
    }),
  ),
  ties: v.optional(v.picklist(['earlier', 'later'])),
  patience: v.optional(count),
}

const smoothingSchema = v.union([
  v.strictObject({ average: count }),
  v.strictObject({ median: count }),
  v.strictObject({ exponential: v.pipe(v.number(), v.gtValue(0), v.maxValue(1)) }),
])

const metricObjectiveSchema = v.strictObject({
  metric: v.pipe(v.string(), v.nonEmpty()),
  direction: v.picklist(['min', 'max']),
  smoothing: v.optional(smoothingSchema),
  ...scoring,
})

const weightedObjectiveSchema = v.strictObject({
  weights: recordOf(positive),
  normalisation: v.optional(
    v.union([
      v.picklist(['minmax', 'zscore', 'rank']),
      v.strictObject({ ranges: recordOf(v.tuple([v.number(), v.number()])) }),
    ]),
  ),
  ...scoring,
})

const paretoObjectiveSchema = v.strictObject({ pareto: v.pipe(v.array(v.string()), v.minLength(2)) })

/** The schemas of the kinds of objectives. */
export const objectiveKinds = [metricObjectiveSchema, weightedObjectiveSchema, paretoObjectiveSchema] as const

/** The schema of an objective in a configuration file or a catalog. */
export const objectiveSchema = v.lazy(schemaOf)

export const objectivesSchema = recordOf(objectiveSchema)

export function isMetricObjective(objective: Objective): objective is MetricObjective {
  return 'metric' in objective
}

/** Throws `INVALID_ARGUMENT` if an objective is misspelt, out of range, or refers to an unknown objective. */
export function assertObjectives(objectives: Objectives): void {
  for (const [name, objective] of membersOf(objectives, 'objectives')) {
    const parsed = v.safeParse(schemaOf(objective), objective)
    if (!parsed.success) {
      const [issue] = parsed.issues
      throw invalid(name, `${v.getDotPath(issue) ?? 'it'}: ${issue.message}`)
    }
    for (const part of partsOfObjective(objective)) {
      const other = own(objectives, part)
      if (other === undefined)
        throw invalid(name, `it refers to ${JSON.stringify(part)}, which is not defined`)
      if (!isMetricObjective(other))
        throw invalid(name, `${part} combines other objectives; refer only to objectives of one metric`)
    }
    const weights = 'weights' in objective ? Object.keys(objective.weights) : []
    if ('weights' in objective && weights.length === 0)
      throw invalid(name, 'weights must contain at least one objective')
    refuseRanges(name, objective, weights)
  }
}

/** Returns the names of the objectives that this one combines. */
export function partsOfObjective(objective: Objective): readonly string[] {
  if ('weights' in objective) return Object.keys(objective.weights).sort()
  return 'pareto' in objective ? objective.pareto : []
}

/**
 * Returns whether two definitions have the same meaning. The order of members and explicit defaults make no difference.
 */
export function sameObjective(one: Objective, other: Objective): boolean {
  return isDeepStrictEqual(withoutDefaults(one), withoutDefaults(other))
}

function withoutDefaults(objective: Objective): object {
  if ('pareto' in objective) return { pareto: [...objective.pareto].sort() }
  const { minDelta = 0, ties = 'earlier', warmUp = {}, patience } = objective
  const { values = 1, step = 0 } = warmUp
  const scoringOf = { minDelta, ties, warmUp: { values, step }, patience }
  if (isMetricObjective(objective)) {
    const { metric, direction, smoothing } = objective
    return { metric, direction, smoothing, ...scoringOf }
  }
  const { weights, normalisation = 'minmax' } = objective
  return { weights, normalisation, ...scoringOf }
}

/** Chooses the schema by the members that the objective has, so that errors refer to one kind of objective. */
function schemaOf(objective: unknown): (typeof objectiveKinds)[number] {
  if (typeof objective !== 'object' || objective === null) return metricObjectiveSchema
  if ('weights' in objective) return weightedObjectiveSchema
  return 'pareto' in objective ? paretoObjectiveSchema : metricObjectiveSchema
}

function refuseRanges(name: string, objective: Objective, weights: readonly string[]): void {
  if (!('weights' in objective) || typeof objective.normalisation !== 'object') return
  const { ranges } = objective.normalisation
  for (const part of weights) {
    const range = own(ranges, part)
    if (range === undefined) throw invalid(name, `normalisation.ranges has no range for ${part}`)
    if (!(range[0] < range[1])) throw invalid(name, `the range of ${part} must be [lower, higher]`)
  }
}

function invalid(name: string, what: string): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `The objective ${JSON.stringify(name)}: ${what}. An objective is { metric, direction: 'min' | 'max' }, ` +
      '{ weights: { OBJECTIVE: number } } or { pareto: [OBJECTIVE, ...] }.',
  )
}
