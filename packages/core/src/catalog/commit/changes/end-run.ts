import { type KindOfChange, unchangedLists } from './change.ts'

/** Notes that a run of the owner has ended, unless a later one has begun. Rule 1 records it with the owner. */
export interface EndRun {
  readonly kind: 'end run'
  /** The id of the run. */
  readonly run: string
}

export const endRun: KindOfChange<EndRun> = {
  needsWhole: () => false,
  apply: unchangedLists,
  describe: () => 'end run',
}
