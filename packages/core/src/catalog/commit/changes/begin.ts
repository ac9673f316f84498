import { type KindOfChange, unchangedLists } from './change.ts'

/**
 * Creates the first version of a new store. So a store with attempts and no version is known to have lost its catalog.
 */
export interface Begin {
  readonly kind: 'begin'
}

export const begin: KindOfChange<Begin> = {
  needsWhole: () => false,
  apply: unchangedLists,
  describe: () => 'begin',
}
