import { isDeepStrictEqual } from 'node:util'
import * as v from 'valibot'
import { HoldfastError } from '../errors.ts'
import type { Smoothing } from './smoothing.ts'
import { membersOf, own, recordOf } from '../records.ts'

/** By how much a value must be better than the best so far to be the new best. */
export type MinDelta = number | { readonly relative: number }

/** What every kind of objective with a score may say. */
interface Scoring {
  /** Default: any improvement counts. Relative to the size of the best so far, such as `{ relative: 0.01 }`. */
  readonly minDelta?: MinDelta | undefined
  /** No best before so many values were recorded, or before a step. */
  readonly warmUp?: { readonly values?: number | undefined; readonly step?: number | undefined } | undefined
  /** Which of equals is the best. Default: the one recorded earlier. */
  readonly ties?: 'earlier' | 'later' | undefined
  /** Values recorded without an improvement after which the objective has come to a plateau. */
  readonly patience?: number | undefined
}

/** The lowest or the highest value of one metric. */
export interface MetricObjective extends Scoring {
  readonly metric: string
  readonly direction: 'min' | 'max'
  readonly smoothing?: Smoothing | undefined
}

/**
 * How values of different size are made comparable: by the lowest and highest value so far, by mean and standard
 * deviation, by rank among all values so far, or by ranges that are known beforehand, in the metric's own unit.
 */
export type Normalisation<Name extends string = string> =
  | 'minmax'
  | 'zscore'
  | 'rank'
  | { readonly ranges: Readonly<Partial<Record<Name, readonly [low: number, high: number]>>> }

/** Several other objectives in one number: each normalised, turned so that more is better, and weighted. */
export interface WeightedObjective<Name extends string = string> extends Scoring {
  readonly weights: Readonly<Partial<Record<Name, number>>>
  /** Default: `minmax`. */
  readonly normalisation?: Normalisation<Name> | undefined
}

/** All that no other one beats in every one of these objectives, when no weights are wanted. */
export interface ParetoObjective<Name extends string = string> {
  readonly pareto: readonly Name[]
}

/** What 'best' means. */
export type Objective<Name extends string = string> =
  | MetricObjective
  | WeightedObjective<Name>
  | ParetoObjective<Name>

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

/** What a configuration file and a catalog hold of an objective. */
export const objectiveSchema = v.lazy(schemaOf)

export const objectivesSchema = recordOf(objectiveSchema)

export function isMetricObjective(objective: Objective): objective is MetricObjective {
  return 'metric' in objective
}

/** Throws `INVALID_ARGUMENT` for objectives that are misspelt, out of range, or name others that are not there. */
export function assertObjectives(objectives: Objectives): void {
  for (const [name, objective] of membersOf(objectives, 'objectives')) {
    const parsed = v.safeParse(schemaOf(objective), objective)
    if (!parsed.success) {
      const [issue] = parsed.issues
      throw invalid(name, `${v.getDotPath(issue) ?? 'it'}: ${issue.message}`)
    }
    for (const part of partsOf(objective)) {
      const other = own(objectives, part)
      if (other === undefined)
        throw invalid(name, `there is no objective ${JSON.stringify(part)} to go into it`)
      if (!isMetricObjective(other))
        throw invalid(name, `${part} is made of others itself; name objectives of one metric`)
    }
    const weights = 'weights' in objective ? Object.keys(objective.weights) : []
    if ('weights' in objective && weights.length === 0) throw invalid(name, 'it needs weights')
    refuseRanges(name, objective, weights)
  }
}

/** The objectives that this one is made of. */
export function partsOf(objective: Objective): readonly string[] {
  if ('weights' in objective) return Object.keys(objective.weights).sort()
  return 'pareto' in objective ? objective.pareto : []
}

/** Whether two definitions mean the same: the order of their members, and defaults that are written out, do not matter. */
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

/** By what it says, so that a misspelt field is named, and not three kinds that it is not. */
function schemaOf(
  objective: unknown,
): typeof metricObjectiveSchema | typeof weightedObjectiveSchema | typeof paretoObjectiveSchema {
  if (typeof objective !== 'object' || objective === null) return metricObjectiveSchema
  if ('weights' in objective) return weightedObjectiveSchema
  return 'pareto' in objective ? paretoObjectiveSchema : metricObjectiveSchema
}

function refuseRanges(name: string, objective: Objective, weights: readonly string[]): void {
  if (!('weights' in objective) || typeof objective.normalisation !== 'object') return
  const { ranges } = objective.normalisation
  for (const part of weights) {
    const range = own(ranges, part)
    if (range === undefined) throw invalid(name, `normalisation.ranges has none for ${part}`)
    if (!(range[0] < range[1]))
      throw invalid(name, `the range of ${part} is not from a lower to a higher number`)
  }
}

function invalid(name: string, what: string): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `The objective ${JSON.stringify(name)}: ${what}. An objective is { metric, direction: 'min' | 'max' }, ` +
      '{ weights: { OBJECTIVE: number } } or { pareto: [OBJECTIVE, ...] }.',
  )
}
