import { type KindOfChange, unchangedLists } from './change.ts'

/** Makes the writer the owner. Rules 1 and 5 decide the owner and the floor. */
export interface TakeOver {
  readonly kind: 'take over'
}

export const takeOver: KindOfChange<TakeOver> = {
  needsWhole: () => false,
  apply: unchangedLists,
  describe: () => 'take over',
}
