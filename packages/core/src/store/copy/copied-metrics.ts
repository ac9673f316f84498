import { nameOfSegment, numberOfSegment } from '../../catalog/commit/segments.ts'
import type { RecordedMetrics } from '../../catalog/documents/index.ts'
import type { CopySide } from './plan-copies.ts'

/** Returns the metrics of the source's deleted checkpoints that the destination does not have, as it records them. */
export function missingMetrics(source: CopySide, destination: CopySide): readonly RecordedMetrics[] {
  return source.catalog.metrics.all.flatMap((line) => {
    const isDeleted = source.catalog.checkpoints.get(line.step) === undefined
    const { checkpoints, metrics } = destination.catalog
    const isKnown = checkpoints.get(line.step) !== undefined || metrics.get(line.step) !== undefined
    if (!isDeleted || isKnown) return []
    const named = nameOfSegment(source.catalog, source.id, line.order.segment)
    const segment = numberOfSegment(destination.catalog, destination.id, named) ?? line.order.segment
    return [{ ...line, order: { ...line.order, segment } }]
  })
}
