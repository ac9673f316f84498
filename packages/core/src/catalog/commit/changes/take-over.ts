import { type KindOfChange, unchangedLists } from './change.ts'

/** Makes the writer the owner. Rules 1 and 5 decide the owner and the floor. */
export interface TakeOver {
  readonly kind: 'take over'
  /** The term of a job of many ranks for which the writer takes over, if it is one. */
  readonly term?: number | undefined
  /** Whether another owner prevents it. A job only takes over from no owner and from itself. Default: false. */
  readonly yields?: boolean | undefined
  /** The id of the only other owner from which the writer takes over. Default: any. */
  readonly from?: string | undefined
}

export const takeOver: KindOfChange<TakeOver> = {
  needsWhole: () => false,
  apply: unchangedLists,
  describe: ({ term }) => (term === undefined ? 'take over' : `take over for term ${term}`),
}
