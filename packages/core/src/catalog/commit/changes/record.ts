import type { CatalogEntry, RecordedMetrics } from '../../documents/index.ts'
import { hasFields } from '../../judging/judgement.ts'
import type { LineList } from '../../pages/index.ts'

/**
 * Returns the history of metrics with the metrics of one checkpoint at its step. Without metrics, the step has no line.
 */
export function withRecord(
  history: LineList<RecordedMetrics>,
  entry: CatalogEntry,
  metrics: RecordedMetrics['metrics'],
): LineList<RecordedMetrics> {
  return history.with(entry.step, hasFields(metrics) ? recordOf(entry, metrics) : undefined)
}

/** Metrics that are attached later count from the time of their checkpoint's save. */
export function recordOf(
  { step, order }: CatalogEntry,
  metrics: RecordedMetrics['metrics'],
): RecordedMetrics {
  return { step, metrics, order }
}
