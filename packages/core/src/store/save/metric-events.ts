import type { JudgedCheckpoint } from '../../catalog/judging/checkpoint.ts'
import { isMetricObjective } from '../../metrics/index.ts'
import { judge } from '../../catalog/judging/judgement.ts'
import { keepingOf } from '../../catalog/judging/recorded-keeping.ts'
import { unscoredObjectives } from '../../catalog/judging/unscored.ts'
import { isWhole, type PagedCatalog } from '../../catalog/pages/index.ts'
import type { StoreContext } from '../context.ts'
import { own } from '../../records.ts'

/** Tells, by events, of a new best and of metrics that cannot be judged. */
export function tellOfMetrics({ events, keeping }: StoreContext, saved: JudgedCheckpoint): void {
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

/** Tells, by events, of objectives that a committed version cannot judge by. One with objectives was needed whole. */
export function tellOfUnscored({ events, keeping }: StoreContext, catalog: PagedCatalog): void {
  const { objectives } = keepingOf(keeping, catalog)
  if (!isWhole(catalog)) return
  for (const found of unscoredObjectives(catalog, judge(catalog, objectives))) events.emit('unscored', found)
}
