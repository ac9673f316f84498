import type { OrderKey } from '../../../order-key.ts'
import { hasRules, keepingOf } from '../../judging/recorded-keeping.ts'
import type { AttemptId, StoredMetric } from '../../documents/index.ts'
import { lastPagedStep } from '../../pages/index.ts'
import { type KindOfChange, unchangedLists } from './change.ts'
import { withRecord } from './record.ts'
import { noSuchStep } from './refusals.ts'

/** Notes that a listed checkpoint was saved again with the same bytes: its new metrics, and its new place in the order. */
export interface SaveAgain {
  readonly kind: 'save again'
  readonly step: number
  readonly attempt: AttemptId
  /** Metrics to add. Those of the same name are replaced. */
  readonly metrics: Readonly<Record<string, StoredMetric>>
  /** The order key of the new save if the run has gone back since the first one. */
  readonly order?: OrderKey | undefined
  /** The time by the store's clock, if the retention requires it. */
  readonly storeNow?: Date | undefined
}

export const saveAgain: KindOfChange<SaveAgain> = {
  needsWhole: (newest, { step }, keeping) =>
    hasRules(keepingOf(keeping, newest)) || step <= lastPagedStep(newest),
  apply: (catalog, { step, attempt, metrics, order }) => {
    const entry = catalog.checkpoints.get(step)
    if (entry?.attempt !== attempt) return noSuchStep(step)
    const again = {
      ...entry,
      metrics: { ...entry.metrics, ...metrics },
      order: { ...entry.order, ...order },
    }
    return { ...unchangedLists(catalog), checkpoints: catalog.checkpoints.with(step, again) }
  },
  describe: ({ step }) => `save ${step} again`,
  recordMetrics: ({ metrics: history, checkpoints }, { step, metrics, order }) => {
    const entry = checkpoints.get(step)
    if (entry === undefined) return history
    const before = history.get(step)
    const all = { ...before?.metrics, ...metrics }
    return withRecord(history, { ...entry, order: { ...entry.order, ...order } }, all)
  },
  retain: ({ storeNow }) => ({ dropsBy: 'recorded retention', records: 'objectives', storeNow }),
}
