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
  /** The id of this store, if it owns the mirror now, or is about to take it over. */
  readonly owner?: string | undefined
  /** The id of the owner from which the mirror is about to be taken over. */
  readonly takingFrom?: string | undefined
  /** Attempts that no longer wait: the mirror has them, or its retention would drop them. */
  readonly settled: readonly AttemptId[]
  readonly newest?: MirrorRecord['newest']
  /** Why nothing can be copied, or that copies are possible again. Default: as recorded. */
  readonly failure?: MirrorRecord['failure'] | 'none'
}

export const recordMirror: KindOfChange<RecordMirror> = {
  // The first record lists all checkpoints.
  needsWhole: (newest, change) => isOther(newest.mirror, change),
  apply: unchangedLists,
  mirror: (catalog, change) => {
    const { place, store, owner, takingFrom, maxBehind, settled, newest } = change
    const recorded = isOther(catalog.mirror, change) ? undefined : catalog.mirror
    const waitingBefore = recorded?.waiting ?? inOrder(catalog)
    const gone = new Set(settled)
    const { takingFrom: before, failure, ...others } = recorded ?? {}
    return {
      ...others,
      ...takeover(owner === undefined ? before : takingFrom),
      ...failureAfter(change.failure ?? failure),
      place,
      maxBehind,
      ...(store === undefined ? {} : { store }),
      ...(owner === undefined ? {} : { owner }),
      waiting: waitingBefore.filter((attempt) => !gone.has(attempt)).slice(-mostUnmirrored),
      ...(newest === undefined ? {} : { newest }),
    }
  },
  describe: ({ settled }) =>
    settled.length === 0
      ? 'record the mirror'
      : `mirror ${fewOf(settled.map((attempt) => partsOfAttempt(attempt).step))}`,
}

function takeover(takingFrom: string | undefined): Pick<MirrorRecord, 'takingFrom'> {
  return takingFrom === undefined ? {} : { takingFrom }
}

function failureAfter(failure: RecordMirror['failure']): Pick<MirrorRecord, 'failure'> {
  return failure === undefined || failure === 'none' ? {} : { failure }
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
