import { type KindOfChange, unchangedLists } from './change.ts'

/** Declares older attempts dead. Rule 3 bounds the floor. */
export interface RaiseFloor {
  readonly kind: 'raise floor'
  readonly floor: number
}

export const raiseFloor: KindOfChange<RaiseFloor> = {
  needsWhole: () => false,
  apply: unchangedLists,
  describe: ({ floor }) => `raise floor to ${floor}`,
}
