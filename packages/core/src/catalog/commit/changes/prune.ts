import type { RoomWanted } from '../../../retention/index.ts'
import { type KindOfChange, unchangedLists } from './change.ts'

/** Applies retention without any other change. */
export interface Prune {
  readonly kind: 'prune'
  readonly room?: RoomWanted | undefined
  /** The current time by the clock of the store, if the retention in force uses it. */
  readonly storeNow?: Date | undefined
  /** How long an undo can list them again, in milliseconds. Default: the grace period of the retention. */
  readonly undoFor?: number | undefined
}

export const prune: KindOfChange<Prune> = {
  needsWhole: () => true,
  apply: unchangedLists,
  describe: () => 'prune',
  retain: ({ room, storeNow }) => ({ dropsBy: 'own retention', records: 'objectives', room, storeNow }),
}
