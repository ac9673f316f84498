import type { Pin as PinRecord } from '../../documents/index.ts'
import { abandonedAt, lastPagedStep } from '../../pages/index.ts'
import { type KindOfChange, unchangedLists, withAbandoned } from './change.ts'
import { noSuchStep } from './refusals.ts'

/** Protects a checkpoint from every deletion. */
export interface Pin {
  readonly kind: 'pin'
  readonly step: number
  readonly pin: PinRecord
}

export const pin: KindOfChange<Pin> = {
  needsWhole: (newest, { step }) => step <= lastPagedStep(newest),
  apply: (catalog, change) => {
    const listed = catalog.checkpoints.get(change.step)
    const entry = listed ?? abandonedAt(catalog, change.step)
    if (entry === undefined) return noSuchStep(change.step)
    const { reason: _, ...unknown } = entry.pinned ?? {}
    const pinned = { ...entry, pinned: { ...unknown, ...change.pin } }
    const lists = unchangedLists(catalog)
    return listed === undefined
      ? { ...lists, abandoned: withAbandoned(lists.abandoned, pinned) }
      : { ...lists, checkpoints: catalog.checkpoints.with(change.step, pinned) }
  },
  describe: ({ step }) => `pin ${step}`,
}
