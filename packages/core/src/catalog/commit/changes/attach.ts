import type { StoredMetric } from '../../documents/index.ts'
import { compareOrders } from '../../../order-key.ts'
import { hasRules, keepingOf } from '../../judging/recorded-keeping.ts'
import { abandonedAt, lastPagedStep } from '../../pages/index.ts'
import { type KindOfChange, unchangedLists, withAbandoned } from './change.ts'
import { withRecord } from './record.ts'
import { noSuchStep } from './refusals.ts'

/** Adds metrics after the save of a checkpoint. */
export interface Attach {
  readonly kind: 'attach'
  readonly step: number
  readonly metrics: Readonly<Record<string, StoredMetric>>
  /** The current time by the clock of the store, if the retention in force uses it. */
  readonly storeNow?: Date | undefined
}

export const attach: KindOfChange<Attach> = {
  needsWhole: (newest, { step }, keeping) =>
    hasRules(keepingOf(keeping, newest)) || step <= lastPagedStep(newest),
  apply: (catalog, { step, metrics }) => {
    const listed = catalog.checkpoints.get(step)
    const entry = listed ?? abandonedAt(catalog, step)
    if (entry === undefined) return noSuchStep(step)
    const changed = { ...entry, metrics: { ...entry.metrics, ...metrics } }
    const lists = unchangedLists(catalog)
    return listed === undefined
      ? { ...lists, abandoned: withAbandoned(lists.abandoned, changed) }
      : { ...lists, checkpoints: catalog.checkpoints.with(step, changed) }
  },
  describe: ({ step }) => `attach ${step}`,
  recordMetrics: (catalog, { step, metrics }) => {
    const { metrics: history, checkpoints } = catalog
    const listed = checkpoints.get(step)
    const entry = listed ?? abandonedAt(catalog, step)
    if (entry === undefined) return history
    const before = history.get(step)
    if (before === undefined) {
      const added = withRecord(history, entry, metrics)
      const line = added.get(step)
      return line === undefined || listed !== undefined
        ? added
        : added.with(step, { ...line, abandoned: true })
    }
    // Another checkpoint of the step has the metrics.
    if (listed === undefined && compareOrders(before.order, entry.order) !== 0) return history
    return history.with(step, { ...before, metrics: { ...before.metrics, ...metrics } })
  },
  retain: ({ storeNow }) => ({ dropsBy: 'recorded retention', records: 'objectives', storeNow }),
}
