import { type AttemptId, partsOfAttempt } from '../../documents/index.ts'
import { drop, fewOf, type KindOfChange, unchangedLists } from './change.ts'

/** Drops removed checkpoints for good, so that their files may be deleted. Skips attempts that are not removed any more. */
export interface ForgetRemoved {
  readonly kind: 'forget removed'
  readonly attempts: readonly AttemptId[]
}

export const forgetRemoved: KindOfChange<ForgetRemoved> = {
  needsWhole: () => false,
  apply: (catalog, { attempts }) => {
    const gone = new Set(attempts)
    const lists = unchangedLists(catalog)
    return {
      ...lists,
      removed: lists.removed.filter(({ entry }) => !gone.has(entry.attempt)),
      dropped: lists.removed
        .filter(({ entry }) => gone.has(entry.attempt))
        .map(({ entry, because }) => ({ ...drop(entry, because), expired: true })),
    }
  },
  describe: ({ attempts }) =>
    `end the undo of ${fewOf(attempts.map((attempt) => partsOfAttempt(attempt).step))}`,
}
