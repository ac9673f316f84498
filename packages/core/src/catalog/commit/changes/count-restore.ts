import type { AttemptId } from '../../documents/index.ts'
import { type KindOfChange, unchangedLists } from './change.ts'

/** Counts a restore of a checkpoint, before its files are delivered. The next save ends the count. */
export interface CountRestore {
  readonly kind: 'count restore'
  readonly step: number
  readonly attempt: AttemptId
  /** The term of a job of many ranks, which counts each checkpoint once. */
  readonly term?: number | undefined
}

export const countRestore: KindOfChange<CountRestore> = {
  needsWhole: () => false,
  apply: (catalog, { attempt, term }) => {
    const lists = unchangedLists(catalog)
    const before = lists.tries.find((each) => each.attempt === attempt)
    if (term !== undefined && before?.term === term) return lists
    const counted = { attempt, count: (before?.count ?? 0) + 1, ...(term === undefined ? {} : { term }) }
    return { ...lists, tries: [...lists.tries.filter((each) => each !== before), counted] }
  },
  describe: ({ step }) => `count a restore of ${step}`,
}
