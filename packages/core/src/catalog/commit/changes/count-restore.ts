import type { AttemptId } from '../../documents/index.ts'
import { type KindOfChange, unchangedLists } from './change.ts'

/** Counts a restore of a checkpoint, before it is delivered. The next save ends the count. */
export interface CountRestore {
  readonly kind: 'count restore'
  readonly step: number
  readonly attempt: AttemptId
}

export const countRestore: KindOfChange<CountRestore> = {
  needsWhole: () => false,
  apply: (catalog, { attempt }) => {
    const tries = catalog.tries ?? []
    const count = (tries.find((each) => each.attempt === attempt)?.count ?? 0) + 1
    const others = tries.filter((each) => each.attempt !== attempt)
    return { ...unchangedLists(catalog), tries: [...others, { attempt, count }] }
  },
  describe: ({ step }) => `count a restore of ${step}`,
}
