import { isDeepStrictEqual } from 'node:util'
import * as v from 'valibot'
import { type ErrorHint, HoldfastError } from '../../errors.ts'
import {
  type Objective,
  objectiveSchema,
  type Objectives,
  partsOf,
  sameObjective,
} from '../../metrics/index.ts'
import { parseStoredJson, stringifyJson } from '../../json.ts'
import { own, without } from '../../records.ts'
import { type RetentionPlan, retentionSchema } from '../../retention/index.ts'
import type { Catalog } from '../documents/index.ts'
import { hasFields, type Keeping } from './judgement.ts'
import type { PagedCatalog } from '../pages/index.ts'

type Recorded = Catalog['keeping']

/**
 * What a process goes by when it reads: the objectives that writers recorded in the catalog and its own, merged by name,
 * its own first; and its own retention, else the recorded one. So a reader needs no configuration to know which
 * checkpoint is the best, and why one is kept.
 */
export function keepingOf({ objectives, retention }: Keeping, { keeping }: PagedCatalog): Keeping {
  return {
    objectives: { ...recordedObjectives(keeping), ...objectives },
    retention: hasFields(retention) ? retention : recordedRetention(keeping),
  }
}

/** Whether there is anything to judge checkpoints by. */
export function hasRules({ objectives, retention }: Keeping): boolean {
  return hasFields(objectives) || hasFields(retention)
}

/** What a save or a prune may drop: what its own retention drops, and nothing that any writer's objective finds best. */
export function droppingOf(keeping: Keeping, catalog: PagedCatalog): Keeping {
  return { objectives: keepingOf(keeping, catalog).objectives, retention: keeping.retention }
}

/**
 * What an attach may drop: what the retention recorded by the last save drops. Metrics often come from another program,
 * which does not decide what the run keeps. Nothing is dropped where the recorded retention is not complete.
 */
export function droppingOfAttach(keeping: Keeping, catalog: PagedCatalog): Keeping {
  const { objectives } = keepingOf(keeping, catalog)
  const recorded = catalog.keeping
  const isRecorded = isDeepStrictEqual(
    recordOf({ objectives: {}, retention: keeping.retention }, recorded),
    recorded,
  )
  if (isRecorded && hasFields(keeping.retention)) return { objectives, retention: keeping.retention }
  return { objectives, retention: recorded?.partial === true ? {} : recordedRetention(recorded) }
}

/** What the catalog records after a save with this keeping: every objective, and the retention of this save. */
export function recordOf(keeping: Keeping, recorded: Recorded): Recorded {
  const withObjectives = recordObjectives(keeping, recorded)
  if (!hasFields(keeping.retention)) return withObjectives
  const { retention: _, partial: __, ...others } = withObjectives ?? {}
  const { keep, ...retention } = keeping.retention
  return plain({ ...others, retention, ...(keep === undefined ? {} : { partial: true }) })
}

/** What the catalog records after another commit with this keeping: every objective. */
export function recordObjectives({ objectives }: Keeping, recorded: Recorded): Recorded {
  if (!hasFields(objectives)) return recorded
  return plain({ ...recorded, objectives: { ...recorded?.objectives, ...objectives } })
}

/** What the catalog records once an objective is forgotten, or why it cannot be. */
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
  const whole = Object.entries(recordedObjectives(recorded)).find(([, each]) => partsOf(each).includes(name))
  if (whole !== undefined) {
    const why = `The objective ${JSON.stringify(whole[0])} is made of ${JSON.stringify(name)}. Forget that one first.`
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

/** Why objectives contradict those that other writers recorded; `undefined` if they do not. */
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
      `and defined here as ${JSON.stringify(objective)}. Choose another name, ` +
      `or forget the recorded objective first: forgetObjective(${JSON.stringify(name)}).`
    return { why, hint: { kind: 'forget-objective', name } }
  }
  return undefined
}

/** Throws `INVALID_ARGUMENT` for objectives that contradict those that other writers recorded. */
export function assertNoContradiction(keeping: Keeping, catalog: PagedCatalog): void {
  const refused = contradiction(keeping, catalog)
  if (refused !== undefined) throw new HoldfastError('INVALID_ARGUMENT', refused.why, { hint: refused.hint })
}

/** Those that this version of Holdfast understands; the others stay recorded. */
function recordedObjectives(recorded: Recorded): Objectives {
  return Object.fromEntries(
    Object.entries(recorded?.objectives ?? {}).flatMap(([name, objective]): [string, Objective][] => {
      const parsed = v.safeParse(objectiveSchema, objective)
      return parsed.success ? [[name, parsed.output]] : []
    }),
  )
}

/** Keeps everything where nothing is recorded, or what is recorded is not understood. */
function recordedRetention(recorded: Recorded): RetentionPlan {
  const parsed = v.safeParse(retentionSchema, recorded?.retention)
  // What a catalog holds is in plain numbers.
  return parsed.success ? (parsed.output as RetentionPlan) : {}
}

/** A policy that keeps the best of nothing would let everything else go. */
function retentionWithout(
  name: string,
  retention: NonNullable<NonNullable<Recorded>['retention']>,
): NonNullable<Recorded>['retention'] {
  const { keepBest, ...others } = retention
  if (typeof keepBest !== 'object' || keepBest === null) return retention
  const counts = without(keepBest as Readonly<Record<string, unknown>>, name)
  return { ...others, ...(hasFields(counts) ? { keepBest: counts } : {}) }
}

/** As JSON keeps it. */
function plain(recorded: NonNullable<Recorded>): Recorded {
  return parseStoredJson(stringifyJson(recorded)) as Recorded
}
