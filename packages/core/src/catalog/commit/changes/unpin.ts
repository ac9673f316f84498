import { latestOf } from '../../../order-key.ts'
import { abandonedAt, lastPagedStep } from '../../pages/index.ts'
import { type KindOfChange, unchangedLists, withAbandoned } from './change.ts'
import { noSuchStep } from './refusals.ts'

/**
 * Ends the protection of a pinned checkpoint: the listed one, or else the latest pinned one of those of the step that rewinds
 * abandoned. Changes nothing if none is pinned.
 */
export interface Unpin {
  readonly kind: 'unpin'
  readonly step: number
}

export const unpin: KindOfChange<Unpin> = {
  needsWhole: (newest, { step }) => step <= lastPagedStep(newest),
  apply: (catalog, { step }) => {
    const listed = catalog.checkpoints.get(step)
    const lists = unchangedLists(catalog)
    if (listed?.pinned !== undefined) {
      const { pinned: _, ...unpinned } = listed
      return { ...lists, checkpoints: catalog.checkpoints.with(step, unpinned) }
    }
    const abandoned = latestOf(
      lists.abandoned.filter((entry) => entry.step === step && entry.pinned !== undefined),
    )
    if (abandoned !== undefined) {
      const { pinned: _, ...unpinned } = abandoned
      return { ...lists, abandoned: withAbandoned(lists.abandoned, unpinned) }
    }
    return listed === undefined && abandonedAt(catalog, step) === undefined ? noSuchStep(step) : lists
  },
  describe: ({ step }) => `unpin ${step}`,
}
