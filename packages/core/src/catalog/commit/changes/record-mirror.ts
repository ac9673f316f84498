import { compareSaves } from '../../../order-key.ts'
import { type AttemptId, type MirrorRecord, mostUnmirrored, partsOfAttempt } from '../../documents/index.ts'
import { type PagedCatalog, wholeCatalog } from '../../pages/index.ts'
import { fewOf, type KindOfChange, unchangedLists } from './change.ts'

/** Records the mirror of the store, or how far its copies are. */
export interface RecordMirror {
  readonly kind: 'record mirror'
  /** The location of the mirror, without secrets. */
  readonly place: string
  readonly maxBehind: number
  /** The id of the mirror, if it was read. */
  readonly store?: string | undefined
  /** The id of this store, if it owns the mirror now. */
  readonly owner?: string | undefined
  /** Attempts that no longer wait: the mirror has them, or its retention would drop them. */
  readonly settled: readonly AttemptId[]
  /** Attempts that wait although they are not recorded as such. */
  readonly unsettled?: readonly AttemptId[] | undefined
  readonly newest?: MirrorRecord['newest']
}

export const recordMirror: KindOfChange<RecordMirror> = {
  // The first record lists all checkpoints.
  needsWhole: (newest, change) => isOther(newest.mirror, change),
  apply: unchangedLists,
  mirror: (catalog, change) => {
    const { place, store, owner, maxBehind, settled, unsettled = [], newest } = change
    const recorded = isOther(catalog.mirror, change) ? undefined : catalog.mirror
    const before = recorded?.waiting ?? inOrder(catalog)
    const gone = new Set(settled)
    const waiting = [...unsettled.filter((attempt) => !before.includes(attempt)), ...before]
    return {
      ...recorded,
      place,
      maxBehind,
      ...(store === undefined ? {} : { store }),
      ...(owner === undefined ? {} : { owner }),
      waiting: waiting.filter((attempt) => !gone.has(attempt)).slice(-mostUnmirrored),
      ...(newest === undefined ? {} : { newest }),
    }
  },
  describe: ({ settled }) =>
    settled.length === 0
      ? 'record the mirror'
      : `mirror ${fewOf(settled.map((attempt) => partsOfAttempt(attempt).step))}`,
}

/** Whether the catalog records no mirror, or another one than a change does. */
function isOther(recorded: MirrorRecord | undefined, { place, store }: RecordMirror): boolean {
  if (recorded === undefined) return true
  if (recorded.store !== undefined && store !== undefined) return recorded.store !== store
  return recorded.place !== place
}

function inOrder(catalog: PagedCatalog): readonly AttemptId[] {
  return wholeCatalog(catalog)
    .checkpoints.all.toSorted(compareSaves)
    .map(({ attempt }) => attempt)
}
