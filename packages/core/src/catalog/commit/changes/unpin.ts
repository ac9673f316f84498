import { abandonedAt, lastPagedStep } from '../../pages/index.ts'
import { type KindOfChange, unchangedLists, withAbandoned } from './change.ts'
import { noSuchStep } from './refusals.ts'

/** Ends the protection of a pinned checkpoint: the listed one, or else an abandoned one of the step. */
export interface Unpin {
  readonly kind: 'unpin'
  readonly step: number
}

export const unpin: KindOfChange<Unpin> = {
  needsWhole: (newest, { step }) => step <= lastPagedStep(newest),
  apply: (catalog, { step }) => {
    const listed = catalog.checkpoints.get(step)
    const abandoned = abandonedAt(catalog, step)
    const lists = unchangedLists(catalog)
    if (abandoned !== undefined && listed?.pinned === undefined) {
      const { pinned: _, ...unpinned } = abandoned
      return { ...lists, abandoned: withAbandoned(lists.abandoned, unpinned) }
    }
    if (listed === undefined) return noSuchStep(step)
    const { pinned: _, ...unpinned } = listed
    return { ...lists, checkpoints: catalog.checkpoints.with(step, unpinned) }
  },
  describe: ({ step }) => `unpin ${step}`,
}
