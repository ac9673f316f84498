import { isDeepStrictEqual } from 'node:util'
import * as v from 'valibot'
import { HoldfastError } from '../../errors.ts'
import type { ErrorHint } from '../../hints.ts'
import {
  type Objective,
  objectiveSchema,
  type Objectives,
  partsOfObjective,
  sameObjective,
} from '../../metrics/index.ts'
import { parseStoredJson, stringifyJson } from '../../input/json.ts'
import { own, without } from '../../input/records.ts'
import { recordedRetentionSchema, type RetentionPlan } from '../../retention/index.ts'
import { type Catalog, keepingSchema } from '../documents/index.ts'
import { hasFields, type Keeping } from './judgement.ts'
import type { PagedCatalog } from '../pages/index.ts'

type Recorded = Catalog['keeping']

/**
 * Returns the keeping of a reader. Its own objectives are merged with the recorded ones by name and take precedence.
 * Its own retention replaces the recorded one. So a reader without a configuration knows the best checkpoint.
 */
export function keepingOf({ objectives, retention }: Keeping, { keeping }: PagedCatalog): Keeping {
  return {
    objectives: { ...recordedObjectives(keeping), ...objectives },
    retention: hasFields(retention) ? retention : recordedRetention(keeping),
  }
}

/**
 * Returns how long the files of dropped checkpoints stay, in milliseconds: the longer of the configured and the recorded grace
 * period.
 */
export function graceOf({ retention }: Pick<Keeping, 'retention'>, { keeping }: PagedCatalog): number {
  return Math.max(retention.grace ?? 0, recordedRetention(keeping).grace ?? 0)
}

/** Returns whether there is an objective or a policy to judge by. */
export function hasRules({ objectives, retention }: Keeping): boolean {
  return hasFields(objectives) || hasFields(retention)
}

/** Returns the keeping by which a save or a prune drops: its own retention, and the objectives of all writers. */
export function keepingByOwn(keeping: Keeping, catalog: PagedCatalog): Keeping {
  return { objectives: keepingOf(keeping, catalog).objectives, retention: keeping.retention }
}

/**
 * Returns the keeping by which a copy drops: the retention of the process that copies or, if it has none, the one that the last save
 * recorded. Nothing is dropped by a recorded retention that is incomplete.
 */
export function keepingInForce(keeping: Keeping, catalog: PagedCatalog): Keeping {
  const inForce = keepingOf(keeping, catalog)
  const isIncomplete = !hasFields(keeping.retention) && catalog.keeping?.partial === true
  return isIncomplete ? { ...inForce, retention: {} } : inForce
}

/**
 * Returns the keeping by which an attach drops: the retention that the last save recorded. Metrics often come from
 * another program, which does not decide what the run keeps. Drops nothing if the recorded retention is incomplete.
 */
export function keepingByRecorded(keeping: Keeping, catalog: PagedCatalog): Keeping {
  const { objectives } = keepingOf(keeping, catalog)
  const recorded = catalog.keeping
  const isRecorded = isDeepStrictEqual(
    recordOf({ objectives: {}, retention: keeping.retention }, recorded),
    recorded,
  )
  if (isRecorded && hasFields(keeping.retention)) return { objectives, retention: keeping.retention }
  return { objectives, retention: recorded?.partial === true ? {} : recordedRetention(recorded) }
}

/** Returns what the catalog records after a save with this keeping: every objective, and the retention of this save. */
export function recordOf(keeping: Keeping, recorded: Recorded): Recorded {
  const withObjectives = recordObjectives(keeping, recorded)
  if (!hasFields(keeping.retention)) return withObjectives
  const { retention: _, partial: __, ...others } = withObjectives ?? {}
  const { keep, ...retention } = keeping.retention
  return plain({ ...others, retention, ...(keep === undefined ? {} : { partial: true }) })
}

/** Returns what the catalog records after another commit with this keeping: every objective. */
export function recordObjectives({ objectives }: Keeping, recorded: Recorded): Recorded {
  if (!hasFields(objectives)) return recorded
  return plain({ ...recorded, objectives: { ...recorded?.objectives, ...objectives } })
}

/** Returns what the catalog records after an objective is forgotten, or why it cannot be forgotten. */
export function recordWithout(
  name: string,
  recorded: Recorded,
):
  | { readonly kind: 'recorded'; readonly keeping: Recorded }
  | { readonly kind: 'refused'; readonly code: 'NOT_FOUND' | 'INVALID_ARGUMENT'; readonly why: string } {
  const objectives = recorded?.objectives ?? {}
  if (!Object.hasOwn(objectives, name)) {
    const known = Object.keys(objectives).join(', ') || 'none'
    const why = `The store records no objective ${JSON.stringify(name)}. Recorded: ${known}.`
    return { kind: 'refused', code: 'NOT_FOUND', why }
  }
  const whole = Object.entries(recordedObjectives(recorded)).find(([, each]) =>
    partsOfObjective(each).includes(name),
  )
  if (whole !== undefined) {
    const why = `The objective ${JSON.stringify(whole[0])} contains ${JSON.stringify(name)}. Forget that objective first.`
    return { kind: 'refused', code: 'INVALID_ARGUMENT', why }
  }
  const { retention, ...others } = recorded ?? {}
  return {
    kind: 'recorded',
    keeping: {
      ...others,
      objectives: without(objectives, name),
      ...(retention === undefined ? {} : { retention: retentionWithout(name, retention) }),
    },
  }
}

/** Returns how objectives contradict those that other writers recorded; `undefined` if they do not. */
export function contradiction(
  { objectives }: Keeping,
  { keeping }: PagedCatalog,
): { readonly why: string; readonly hint: ErrorHint } | undefined {
  const recorded = recordedObjectives(keeping)
  for (const [name, objective] of Object.entries(objectives)) {
    const other = own(recorded, name)
    if (other === undefined || sameObjective(objective, other)) continue
    const why =
      `The objective ${JSON.stringify(name)} is recorded in the store as ${JSON.stringify(other)}, ` +
      `and defined here as ${JSON.stringify(objective)}.`
    return { why, hint: { kind: 'forget-objective', name } }
  }
  return undefined
}

/** Throws `INVALID_ARGUMENT` for objectives that contradict those that other writers recorded. */
export function assertNoContradiction(keeping: Keeping, catalog: PagedCatalog, url: string): void {
  const refused = contradiction(keeping, catalog)
  if (refused === undefined) return
  throw new HoldfastError('INVALID_ARGUMENT', refused.why, { url, hint: refused.hint })
}

/** Returns the recorded objectives that this version understands. The others stay recorded. */
function recordedObjectives(recorded: Recorded): Objectives {
  return Object.fromEntries(
    Object.entries(recorded?.objectives ?? {}).flatMap(([name, objective]): [string, Objective][] => {
      const parsed = v.safeParse(objectiveSchema, objective)
      return parsed.success ? [[name, parsed.output]] : []
    }),
  )
}

/** Returns the recorded retention. Keeps everything if none is recorded, or if this version does not understand it. */
function recordedRetention(recorded: Recorded): RetentionPlan {
  const parsed = v.safeParse(recordedRetentionSchema, recorded?.retention)
  return parsed.success ? parsed.output : {}
}

/** Removes `keepBest` with its last objective, because an empty `keepBest` would drop everything. */
function retentionWithout(
  name: string,
  retention: NonNullable<NonNullable<Recorded>['retention']>,
): NonNullable<Recorded>['retention'] {
  const { keepBest, ...others } = retention
  const parsed = v.safeParse(v.record(v.string(), v.unknown()), keepBest)
  if (!parsed.success) return retention
  const counts = without(parsed.output, name)
  return { ...others, ...(hasFields(counts) ? { keepBest: counts } : {}) }
}

/** Returns the value as it is after being written to JSON and read again. */
function plain(recorded: NonNullable<Recorded>): Recorded {
  return v.parse(keepingSchema, parseStoredJson(stringifyJson(recorded)))
}
