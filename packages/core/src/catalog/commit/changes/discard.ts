import { type AttemptId, partsOfAttempt } from '../../documents/index.ts'
import { lastPagedStep } from '../../pages/index.ts'
import { type KindOfChange, unchangedLists } from './change.ts'

/** Declares an attempt dead whose save has failed, so that its files may be deleted. Lists and drops nothing. */
export interface Discard {
  readonly kind: 'discard'
  readonly attempt: AttemptId
}

export const discard: KindOfChange<Discard> = {
  needsWhole: (newest, { attempt }) => partsOfAttempt(attempt).step <= lastPagedStep(newest),
  apply: (catalog, { attempt }) => ({
    ...unchangedLists(catalog),
    dropped: [{ step: partsOfAttempt(attempt).step, attempt, because: 'its save failed', discarded: true }],
  }),
  describe: ({ attempt }) => `discard ${partsOfAttempt(attempt).step}`,
}
