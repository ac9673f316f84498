import type { CatalogEntry, RecordedMetrics } from '../../documents/index.ts'
import { hasFields } from '../../judging/judgement.ts'
import type { LineList } from '../../pages/index.ts'

/** The history of metrics with those of a checkpoint at its step. Without metrics the step has no line. */
export function withRecord(
  history: LineList<RecordedMetrics>,
  entry: CatalogEntry,
  metrics: RecordedMetrics['metrics'],
): LineList<RecordedMetrics> {
  return history.with(entry.step, hasFields(metrics) ? recordOf(entry, metrics) : undefined)
}

/** A metric that is attached later belongs to its checkpoint, and counts from when that was saved. */
export function recordOf(
  { step, order }: CatalogEntry,
  metrics: RecordedMetrics['metrics'],
): RecordedMetrics {
  return { step, metrics, order }
}
