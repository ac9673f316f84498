import type { Pin as PinRecord } from '../../documents/index.ts'
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

/** Protects checkpoints from every deletion. */
export interface Pin {
  readonly kind: 'pin'
  readonly steps: readonly number[]
  readonly pin: PinRecord
}

export const pin: KindOfChange<Pin> = {
  needsWhole: (newest, { steps }) => steps.some((step) => step <= lastPagedStep(newest)),
  apply: (catalog, { steps, pin: record }) =>
    changeEach(catalog, steps, (lists, step) => pinned(lists, step, record)),
  describe: ({ steps }) => `pin ${fewOf(steps)}`,
}

function pinned(lists: AppliedLists, step: number, record: PinRecord): Applied {
  const listed = lists.checkpoints.get(step)
  const entry = listed ?? abandonedAt(lists, step)
  if (entry === undefined) return noSuchStep(step)
  const { reason: _, ...unknown } = entry.pinned ?? {}
  const changed = { ...entry, pinned: { ...unknown, ...record } }
  return listed === undefined
    ? { ...lists, abandoned: withAbandoned(lists.abandoned, changed) }
    : { ...lists, checkpoints: lists.checkpoints.with(step, changed) }
}
