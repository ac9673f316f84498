import { type KindOfChange, unchangedLists } from './change.ts'

/** Removes the record of the mirror. Then no checkpoint waits to be mirrored. */
export interface ForgetMirror {
  readonly kind: 'forget mirror'
}

export const forgetMirror: KindOfChange<ForgetMirror> = {
  needsWhole: () => false,
  apply: unchangedLists,
  mirror: () => undefined,
  describe: () => 'forget the mirror',
}
