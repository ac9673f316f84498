import { latestOf } from '../../../order-key.ts'
import { abandonedAt, lastPagedStep } from '../../pages/index.ts'
import {
  type Applied,
  type AppliedLists,
  changeEach,
  fewOf,
  type KindOfChange,
  withAbandoned,
} from './change.ts'
import { noSuchStep } from './refusals.ts'

/**
 * Ends the protection of one pinned checkpoint of each step. That is the listed one. If it is not pinned, it is the latest pinned
 * one that a rewind abandoned. A step without a pinned checkpoint stays as it is.
 */
export interface Unpin {
  readonly kind: 'unpin'
  readonly steps: readonly number[]
}

export const unpin: KindOfChange<Unpin> = {
  needsWhole: (newest, { steps }) => steps.some((step) => step <= lastPagedStep(newest)),
  apply: (catalog, { steps }) => changeEach(catalog, steps, unpinned),
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
