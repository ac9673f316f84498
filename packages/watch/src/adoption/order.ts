import type { Snapshot } from '../folder/snapshot.ts'
import type { Candidate } from '../folder/find-candidates.ts'

/**
 * The order in which checkpoints are adopted. `modified`: in the order of writing, which follows a run that goes back.
 * `step`: by number, for folders that lost their times in a copy.
 */
export type TrainersOrder = 'modified' | 'step'

interface Ordered {
  readonly candidate: Candidate
  readonly snapshot: Snapshot
  readonly known?: { readonly step: number }
  readonly reading?: { readonly step: number | undefined }
}

/** Equal times are ordered by step, and equal steps by time and name. */
export function inOrder<Item extends Ordered>(items: readonly Item[], order: TrainersOrder): readonly Item[] {
  const byTime = (one: Item, other: Item): number => one.snapshot.modifiedAt - other.snapshot.modifiedAt
  const byStep = (one: Item, other: Item): number => stepIn(one) - stepIn(other)
  const [first, second] = order === 'modified' ? [byTime, byStep] : [byStep, byTime]
  return items.toSorted(
    (one, other) =>
      first(one, other) || second(one, other) || (one.candidate.name < other.candidate.name ? -1 : 1),
  )
}

function stepIn({ reading, known }: Ordered): number {
  return reading?.step ?? known?.step ?? Number.MAX_SAFE_INTEGER
}
