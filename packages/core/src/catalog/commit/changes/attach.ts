import type { StoredMetric } from '../../documents/index.ts'
import { hasRules, keepingOf } from '../../judging/recorded-keeping.ts'
import { lastPagedStep } from '../../pages/index.ts'
import { type KindOfChange, unchangedLists } from './change.ts'
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
    const entry = catalog.checkpoints.get(step)
    if (entry === undefined) return noSuchStep(step)
    const changed = { ...entry, metrics: { ...entry.metrics, ...metrics } }
    return { ...unchangedLists(catalog), checkpoints: catalog.checkpoints.with(step, changed) }
  },
  describe: ({ step }) => `attach ${step}`,
  recordMetrics: ({ metrics: history, checkpoints }, { step, metrics }) => {
    const entry = checkpoints.get(step)
    if (entry === undefined) return history
    const before = history.get(step)
    if (before === undefined) return withRecord(history, entry, metrics)
    return history.with(step, { ...before, metrics: { ...before.metrics, ...metrics } })
  },
  retain: ({ storeNow }) => ({ dropsBy: 'recorded retention', records: 'objectives', storeNow }),
}
