import { latestOf } from '../../../order-key.ts'
import { abandonedAt, lastPagedStep } from '../../pages/index.ts'
import {
  type Applied,
  type AppliedLists,
  fewOf,
  type KindOfChange,
  unchangedLists,
  withAbandoned,
} from './change.ts'
import { noSuchStep } from './refusals.ts'

/**
 * Ends the protection of a pinned checkpoint of each step: the listed one, or else the latest pinned one of those that rewinds
 * abandoned. Changes nothing of a step of which none is pinned.
 */
export interface Unpin {
  readonly kind: 'unpin'
  readonly steps: readonly number[]
}

export const unpin: KindOfChange<Unpin> = {
  needsWhole: (newest, { steps }) => steps.some((step) => step <= lastPagedStep(newest)),
  apply: (catalog, { steps }) => {
    let lists = unchangedLists(catalog)
    for (const step of steps) {
      const next = unpinned(lists, step)
      if (next.kind === 'refused') return next
      lists = next
    }
    return lists
  },
  describe: ({ steps }) => `unpin ${fewOf(steps)}`,
}

function unpinned(lists: AppliedLists, step: number): Applied {
  const listed = lists.checkpoints.get(step)
  if (listed?.pinned !== undefined) {
    const { pinned: _, ...changed } = listed
    return { ...lists, checkpoints: lists.checkpoints.with(step, changed) }
  }
  const abandoned = latestOf(
    lists.abandoned.filter((entry) => entry.step === step && entry.pinned !== undefined),
  )
  if (abandoned !== undefined) {
    const { pinned: _, ...changed } = abandoned
    return { ...lists, abandoned: withAbandoned(lists.abandoned, changed) }
  }
  return listed === undefined && abandonedAt(lists, step) === undefined ? noSuchStep(step) : lists
}
