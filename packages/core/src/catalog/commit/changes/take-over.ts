import { type KindOfChange, unchangedLists } from './change.ts'

/** Makes the writer the owner. Rules 1 and 5 decide the owner and the floor. */
export interface TakeOver {
  readonly kind: 'take over'
  /** The term of a job of many ranks for which the writer takes over, if it is one. */
  readonly term?: number | undefined
  /** Whether another owner prevents it. A job only takes over from no owner and from itself. Default: false. */
  readonly yields?: boolean | undefined
  /** The only other owner from which the writer takes over. Default: any. */
  readonly from?: OwnerSeen | undefined
}

/** An owner as the writer saw it when it decided to take over. */
export interface OwnerSeen {
  readonly id: string
  /** The version with which its run ended, if the decision depends on that. Then nothing of that owner may have been committed since. */
  readonly ended?: number | undefined
}

export const takeOver: KindOfChange<TakeOver> = {
  needsWhole: () => false,
  apply: unchangedLists,
  describe: ({ term }) => (term === undefined ? 'take over' : `take over for term ${term}`),
}
