import type { OrderKey } from '../../../order-key.ts'
import type { AttemptId, CatalogEntry, Pin, RecordedMetrics, StoredMetric } from '../../documents/index.ts'
import type { LineList } from '../../pages/index.ts'
import { fewOf, type KindOfChange, unchangedLists } from './change.ts'
import { recordOf } from './record.ts'

/** Adds to copies what their originals got after they were copied. Skips copies that are not listed any more. */
export interface UpdateCopies {
  readonly kind: 'update copies'
  readonly updates: readonly CopyUpdate[]
}

/** What a copy gets. */
export interface CopyUpdate {
  readonly step: number
  readonly attempt: AttemptId
  readonly metrics: Readonly<Record<string, StoredMetric>>
  /** A later order key, which a rewind gave to the original. */
  readonly order?: OrderKey | undefined
  readonly pinned?: Pin | undefined
  /** Whether the copy loses its pin, because its original has none. */
  readonly unpinned?: true | undefined
}

export const updateCopies: KindOfChange<UpdateCopies> = {
  needsWhole: () => true,
  apply: (catalog, { updates }) => ({
    ...unchangedLists(catalog),
    checkpoints: updates.reduce<LineList<CatalogEntry>>((list, update) => {
      const entry = list.get(update.step)
      return entry?.attempt === update.attempt ? list.with(update.step, updated(entry, update)) : list
    }, catalog.checkpoints),
  }),
  recordMetrics: ({ checkpoints, metrics }, { updates }) =>
    updates.reduce<LineList<RecordedMetrics>>((list, update) => {
      const entry = checkpoints.get(update.step)
      if (entry?.attempt !== update.attempt) return list
      const line = list.get(update.step)
      const values = { ...line?.metrics, ...update.metrics }
      if (Object.keys(values).length === 0) return list
      return list.with(update.step, { ...line, ...recordOf(updated(entry, update), values) })
    }, metrics),
  describe: ({ updates }) => `update copies ${fewOf(updates.map(({ step }) => step))}`,
}

function updated(entry: CatalogEntry, { metrics, order, pinned, unpinned }: CopyUpdate): CatalogEntry {
  const { pinned: before, ...others } = entry
  return {
    ...others,
    ...(before === undefined || unpinned === true ? {} : { pinned: before }),
    metrics: { ...entry.metrics, ...metrics },
    ...(order === undefined ? {} : { order }),
    ...(pinned === undefined ? {} : { pinned }),
  }
}
