import type { CopyUpdate } from '../../catalog/commit/changes/index.ts'
import type { AttemptId, Origin, Pin } from '../../catalog/documents/index.ts'
import type { WriterKeeping } from '../../catalog/judging/keeping.ts'
import { compareSaves } from '../../order-key.ts'
import type { Present } from '../../retention/index.ts'
import { originOf } from '../copy/identity.ts'
import { type CopySide, planCopies, type PlannedCopy } from '../copy/plan-copies.ts'

export type CopyToMake = Extract<PlannedCopy, { kind: 'copy' }>

/** What a mirror lacks of its store. */
export interface MirrorPlan {
  /** In the order of the saves. */
  readonly copies: readonly CopyToMake[]
  readonly updates: readonly CopyUpdate[]
  /** Attempts of the store that the mirror has. */
  readonly there: readonly AttemptId[]
  /** The decision about each checkpoint of the store. */
  readonly decisions: readonly PlannedCopy[]
  /** Attempts that the mirror does not get: its retention would drop them, or it has a later checkpoint of the step. */
  readonly unwanted: readonly AttemptId[]
}

/** Compares whole lines of a store and its mirror. `passed` are attempts that this round does not look at again. */
export function planMirror(
  local: CopySide,
  mirror: CopySide,
  passed: ReadonlySet<AttemptId>,
  terms: { readonly keeping: WriterKeeping; readonly present: Present },
): MirrorPlan {
  const wanted = local.catalog.checkpoints.all
    .filter(({ attempt }) => !passed.has(attempt))
    .toSorted(compareSaves)
    .map((entry) => ({ entry, step: entry.step }))
  const plan = planCopies(local, mirror, wanted, { ...terms, pins: true })
  const copies = plan.flatMap((each) => (each.kind === 'copy' && !isOlder(each) ? [each] : []))
  const isCopied = new Set<PlannedCopy>(copies)
  const pins = new Map(changedPins(local, mirror).map((update) => [update.attempt, update]))
  const decisions = plan.map((each) => withChangedPin(withoutOlder(each), pins))
  const updates = decisions.flatMap((each) => (each.kind === 'there' ? (each.update ?? []) : []))
  const isDecided = new Set(updates.map(({ attempt }) => attempt))
  return {
    decisions,
    copies,
    updates: [...updates, ...[...pins.values()].filter(({ attempt }) => !isDecided.has(attempt))],
    there: plan.flatMap((each) => (each.kind === 'there' ? [each.entry.attempt] : [])),
    unwanted: plan.flatMap((each) =>
      each.kind === 'there' || isCopied.has(each) ? [] : [each.entry.attempt],
    ),
  }
}

function withoutOlder(planned: PlannedCopy): PlannedCopy {
  if (planned.kind !== 'copy' || !isOlder(planned)) return planned
  const { entry, step } = planned
  return { entry, step, kind: 'skipped', because: 'the mirror has a later checkpoint of the step' }
}

function withChangedPin(planned: PlannedCopy, pins: ReadonlyMap<AttemptId, CopyUpdate>): PlannedCopy {
  const pin = planned.kind === 'there' ? pins.get(planned.existing.attempt) : undefined
  if (planned.kind !== 'there' || pin === undefined) return planned
  const { update } = planned
  return { ...planned, update: { ...pin, metrics: update?.metrics ?? {}, order: update?.order } }
}

/** Whether the mirror has a later checkpoint of the step, such as that of the store that it belonged to before. */
function isOlder({ line, existing }: CopyToMake): boolean {
  return existing !== undefined && compareSaves(line, existing) < 0
}

/**
 * Returns the pins of copies that differ from those of their originals. An original that the store does not list any more was
 * unpinned before, because a pinned checkpoint is never dropped. So the retention of the mirror may drop its copy.
 */
function changedPins(local: CopySide, mirror: CopySide): readonly CopyUpdate[] {
  const { checkpoints, quarantined, abandoned = [] } = local.catalog
  const listed = new Map(checkpoints.all.map((entry) => [nameOf(originOf(entry, local.id)), entry]))
  const kept = new Set([...quarantined.map(({ entry }) => entry), ...abandoned].map(({ attempt }) => attempt))
  return mirror.catalog.checkpoints.all.flatMap((copy): readonly CopyUpdate[] => {
    if (copy.pinned === undefined) return []
    const { step, attempt } = copy
    const origin = originOf(copy, mirror.id)
    const original = listed.get(nameOf(origin))
    if (original?.pinned !== undefined)
      return isSamePin(original.pinned, copy.pinned)
        ? []
        : [{ step, attempt, metrics: {}, pinned: original.pinned }]
    const isGone = original === undefined && origin.store === local.id && !kept.has(origin.attempt)
    return original !== undefined || isGone ? [{ step, attempt, metrics: {}, unpinned: true }] : []
  })
}

function nameOf({ store, attempt }: Origin): string {
  return `${store} ${attempt}`
}

function isSamePin(one: Pin, other: Pin): boolean {
  return one.at === other.at && one.reason === other.reason
}
