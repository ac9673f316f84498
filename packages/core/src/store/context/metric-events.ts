import { type JudgedCheckpoint } from '../../catalog/judging/checkpoint.ts'
import type { JudgedCatalog } from '../../catalog/judging/judged-catalog.ts'
import { unscoredObjectives } from '../../catalog/judging/unscored.ts'
import { isMetricObjective } from '../../metrics/index.ts'
import { own } from '../../input/records.ts'
import type { StoreContext } from './context.ts'

/** Emits events for a new best, and for metrics that are not finite and cannot be judged. */
export function reportMetrics({ events, keeping }: StoreContext, saved: JudgedCheckpoint): void {
  const { step, metrics } = saved
  for (const name of saved.bestOf) {
    const value = own(saved.scores, name)
    if (value !== undefined) events.emit('best', { objective: name, step, value })
  }
  for (const objective of Object.values(keeping.objectives)) {
    if (!isMetricObjective(objective)) continue
    const value = own(metrics, objective.metric)
    if (value !== undefined && !Number.isFinite(value)) {
      events.emit('notFinite', { step, metric: objective.metric, value })
    }
  }
}

/** Emits events for objectives by which no step can be judged. A catalog that is not judged has no objectives. */
export function reportUnscored({ events }: StoreContext, judged: JudgedCatalog): void {
  if (!judged.isJudged) return
  for (const found of unscoredObjectives(judged)) events.emit('unscored', found)
}
