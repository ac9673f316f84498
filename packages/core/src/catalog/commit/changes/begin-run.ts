import { type KindOfChange, unchangedLists } from './change.ts'

/** Notes that a run of the owner has begun, which has not ended until `end run` names it. Rule 1 records it with the owner. */
export interface BeginRun {
  readonly kind: 'begin run'
  /** A unique id. */
  readonly run: string
}

export const beginRun: KindOfChange<BeginRun> = {
  needsWhole: () => false,
  apply: unchangedLists,
  describe: () => 'begin run',
}
