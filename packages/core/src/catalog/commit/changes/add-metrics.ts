import type { RecordedMetrics } from '../../documents/index.ts'
import type { LineList } from '../../pages/index.ts'
import { fewOf, type KindOfChange, unchangedLists } from './change.ts'

/** Records metrics of steps that have no checkpoint and no metrics. */
export interface AddMetrics {
  readonly kind: 'add metrics'
  readonly lines: readonly RecordedMetrics[]
}

export const addMetrics: KindOfChange<AddMetrics> = {
  needsWhole: () => true,
  apply: unchangedLists,
  recordMetrics: ({ checkpoints, metrics }, { lines }) =>
    lines.reduce<LineList<RecordedMetrics>>((list, line) => {
      const isKnown = checkpoints.get(line.step) !== undefined || list.get(line.step) !== undefined
      return isKnown ? list : list.with(line.step, line)
    }, metrics),
  describe: ({ lines }) => `add metrics of ${fewOf(lines.map(({ step }) => step))}`,
}
