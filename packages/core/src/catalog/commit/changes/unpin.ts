import { lastPagedStep } from '../../pages/index.ts'
import { type KindOfChange, unchangedLists } from './change.ts'
import { noSuchStep } from './refusals.ts'

/** Ends the protection of a pinned checkpoint. */
export interface Unpin {
  readonly kind: 'unpin'
  readonly step: number
}

export const unpin: KindOfChange<Unpin> = {
  needsWhole: (newest, { step }) => step <= lastPagedStep(newest),
  apply: (catalog, { step }) => {
    const entry = catalog.checkpoints.get(step)
    if (entry === undefined) return noSuchStep(step)
    const { pinned: _, ...unpinned } = entry
    return { ...unchangedLists(catalog), checkpoints: catalog.checkpoints.with(step, unpinned) }
  },
  describe: ({ step }) => `unpin ${step}`,
}
