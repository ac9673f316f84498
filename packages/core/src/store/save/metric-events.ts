import type { JudgedCheckpoint } from '../../catalog/judging/checkpoint.ts'
import { isMetricObjective } from '../../metrics/index.ts'
import type { StoreContext } from '../context.ts'

/** Tells, by events, of a new best and of metrics that cannot be judged. */
export function tellOfMetrics({ events, keeping }: StoreContext, saved: JudgedCheckpoint): void {
  const { step, metrics } = saved
  for (const name of saved.bestOf) {
    const value = saved.scores[name]
    if (value !== undefined) events.emit('best', { objective: name, step, value })
  }
  for (const objective of Object.values(keeping.objectives)) {
    if (!isMetricObjective(objective)) continue
    const value = metrics[objective.metric]
    if (value !== undefined && !Number.isFinite(value)) {
      events.emit('notFinite', { step, metric: objective.metric, value })
    }
  }
}
