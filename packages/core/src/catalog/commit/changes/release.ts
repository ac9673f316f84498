import { type KindOfChange, unchangedLists } from './change.ts'

/** Gives ownership back. */
export interface Release {
  readonly kind: 'release'
}

export const release: KindOfChange<Release> = {
  needsWhole: () => false,
  apply: unchangedLists,
  describe: () => 'release',
}
