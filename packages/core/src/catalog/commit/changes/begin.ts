import { type KindOfChange, unchangedLists } from './change.ts'

/** Creates the first version of a new store, so that a store with attempts and no catalog is known to have lost it. */
export interface Begin {
  readonly kind: 'begin'
}

export const begin: KindOfChange<Begin> = {
  needsWhole: () => false,
  apply: unchangedLists,
  describe: () => 'begin',
}
