import { type NamedSegment, withSegments } from '../segments.ts'
import { type KindOfChange, unchangedLists } from './change.ts'

/** Gives the segments of other stores numbers in this one, before their checkpoints are copied. */
export interface OpenSegments {
  readonly kind: 'open segments'
  /** The id of this store. */
  readonly store: string
  /** The segments, earliest first. */
  readonly segments: readonly NamedSegment[]
}

export const openSegments: KindOfChange<OpenSegments> = {
  needsWhole: () => false,
  apply: unchangedLists,
  openSegments: (catalog, { store, segments }) => withSegments(catalog, store, segments),
  describe: ({ segments }) => `open ${segments.length} segments`,
}
