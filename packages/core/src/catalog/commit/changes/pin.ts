import type { Pin as PinRecord } from '../../documents/index.ts'
import { lastPagedStep } from '../../pages/index.ts'
import { type KindOfChange, unchangedLists } from './change.ts'
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
    const entry = catalog.checkpoints.get(change.step)
    if (entry === undefined) return noSuchStep(change.step)
    const { reason: _, ...unknown } = entry.pinned ?? {}
    const pinned = { ...entry, pinned: { ...unknown, ...change.pin } }
    return { ...unchangedLists(catalog), checkpoints: catalog.checkpoints.with(change.step, pinned) }
  },
  describe: ({ step }) => `pin ${step}`,
}
