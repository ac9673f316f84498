import type { RoomWanted } from '../../../retention/index.ts'
import { type KindOfChange, unchangedLists } from './change.ts'

/** Applies retention and does nothing else. */
export interface Prune {
  readonly kind: 'prune'
  readonly room?: RoomWanted | undefined
  /** The present by the store's own clock, if the retention in force needs it. */
  readonly storeNow?: Date | undefined
}

export const prune: KindOfChange<Prune> = {
  needsWhole: () => true,
  apply: unchangedLists,
  describe: () => 'prune',
  retain: ({ room, storeNow }) => ({ dropsBy: 'own retention', records: 'objectives', room, storeNow }),
}
