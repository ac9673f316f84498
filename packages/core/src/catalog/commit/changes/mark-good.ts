import { lastPagedStep } from '../../pages/index.ts'
import { type KindOfChange, unchangedLists } from './change.ts'
import { noSuchStep } from './refusals.ts'

/** Ends the count of restores of a checkpoint, because the run works with it. */
export interface MarkGood {
  readonly kind: 'mark good'
  readonly step: number
}

export const markGood: KindOfChange<MarkGood> = {
  needsWhole: (newest, { step }) => step <= lastPagedStep(newest),
  apply: (catalog, { step }) => {
    const entry = catalog.checkpoints.get(step)
    if (entry === undefined) return noSuchStep(step)
    const tries = (catalog.tries ?? []).filter(({ attempt }) => attempt !== entry.attempt)
    return { ...unchangedLists(catalog), tries }
  },
  describe: ({ step }) => `mark ${step} as good`,
}
