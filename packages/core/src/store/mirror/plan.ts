import type { CopyUpdate } from '../../catalog/commit/changes/index.ts'
import type { AttemptId } from '../../catalog/documents/index.ts'
import type { WriterKeeping } from '../../catalog/judging/keeping.ts'
import { compareSaves } from '../../order-key.ts'
import type { Present } from '../../retention/index.ts'
import { type CopySide, planCopies, type PlannedCopy } from '../copy/plan-copies.ts'

export type CopyToMake = Extract<PlannedCopy, { kind: 'copy' }>

/** What a mirror lacks of its store. */
export interface MirrorPlan {
  /** In the order of the saves. */
  readonly copies: readonly CopyToMake[]
  readonly updates: readonly CopyUpdate[]
  /** Attempts of the store that the mirror has. */
  readonly there: readonly AttemptId[]
  /** Attempts that the mirror does not get: its retention would drop them, or it has a later checkpoint of the step. */
  readonly unwanted: readonly AttemptId[]
}

/** Compares whole lines of a store and its mirror. `refused` are attempts that could not be copied, which do not count. */
export function planMirror(
  local: CopySide,
  mirror: CopySide,
  refused: ReadonlySet<AttemptId>,
  terms: { readonly keeping: WriterKeeping; readonly present: Present },
): MirrorPlan {
  const wanted = local.catalog.checkpoints.all
    .filter(({ attempt }) => !refused.has(attempt))
    .toSorted(compareSaves)
    .map((entry) => ({ entry, step: entry.step }))
  const plan = planCopies(local, mirror, wanted, { ...terms, pins: true })
  const copies = plan.flatMap((each) => (each.kind === 'copy' && !isOlder(each) ? [each] : []))
  const isCopied = new Set<PlannedCopy>(copies)
  return {
    copies,
    updates: plan.flatMap((each) => (each.kind === 'there' ? (each.update ?? []) : [])),
    there: plan.flatMap((each) => (each.kind === 'there' ? [each.entry.attempt] : [])),
    unwanted: plan.flatMap((each) =>
      each.kind === 'there' || isCopied.has(each) ? [] : [each.entry.attempt],
    ),
  }
}

/** Whether the mirror has a later checkpoint of the step, such as that of the store that it belonged to before. */
function isOlder({ line, existing }: CopyToMake): boolean {
  return existing !== undefined && compareSaves(line, existing) < 0
}
