import type { HoldfastError } from '../../errors.ts'
import { type Checkpoint, factsOf } from '../../catalog/judging/checkpoint.ts'
import { hasFields, judge, type Keeping, type Lines } from '../../catalog/judging/judgement.ts'
import { keepingOf } from '../../catalog/judging/recorded-keeping.ts'
import {
  type CatalogEntry,
  type Line,
  metricsOf,
  type RecordedMetrics,
} from '../../catalog/documents/index.ts'
import { allRead, type LineList, type PagedCatalog, PagedList } from '../../catalog/pages/index.ts'
import { isMetricObjective, type Objective, type Objectives } from '../../metrics/index.ts'

/** The best checkpoint of a run by one objective. */
export interface BestOfRun {
  readonly step: number
  /** The value of the objective: the smoothed metric or the weighted sum. */
  readonly value: number
}

/** A run below a prefix. */
export type RunSummary = ReadableRun | UnreadableRun

interface AnyRun {
  /** Its path below the prefix. Empty if the prefix itself is a run. */
  readonly name: string
  /** The URL of its store, without secrets. */
  readonly url: string
}

/** A run whose catalog could be read. */
export interface ReadableRun extends AnyRun {
  readonly state: 'readable'
  readonly latest: Checkpoint | undefined
  /** The time of the last commit, by the clock of its writer. */
  readonly changedAt: Date
  /** The exclusive writer that owns the store. */
  readonly owner: { readonly name: string; readonly since: Date } | undefined
  /** The number of listed checkpoints. */
  readonly checkpoints: number
  readonly quarantined: number
  /** The size of the listed checkpoints. If the summary is not complete, of those that were read. */
  readonly bytes: number
  /** By objective. An objective that needs lines which were not read is omitted. */
  readonly best: Readonly<Record<string, BestOfRun>>
  /** Whether the lines of all checkpoints were read. Otherwise `bytes` is a lower bound. */
  readonly isComplete: boolean
  /** Whether a retention is recorded. */
  readonly hasRetention: boolean
  /** The metrics of the latest steps that have any, in the order of steps, as far as they were read. At most 64. */
  readonly recentMetrics: readonly {
    readonly step: number
    readonly metrics: Readonly<Record<string, number>>
  }[]
  /** Whether one of the recorded commits dropped a checkpoint. */
  readonly hasDropped: boolean
}

/** A run whose catalog could not be read. */
export interface UnreadableRun extends AnyRun {
  /**
   * `damaged`: the catalog or one of its pages is corrupt. `no catalog`: it is lost, or the first save has not ended.
   * `unsupported`: a newer version of Holdfast wrote it.
   */
  readonly state: 'damaged' | 'no catalog' | 'unsupported'
  readonly error: HoldfastError
}

/** Summarises a catalog by the lines that were read of it. */
export function summaryOf(catalog: PagedCatalog, own: Keeping): Omit<ReadableRun, 'name' | 'url' | 'state'> {
  const { objectives, retention } = keepingOf(own, catalog)
  const { latest, owner, checkpoints } = catalog
  const all = linesIfRead(catalog, checkpoints)
  return {
    latest: latest === undefined ? undefined : factsOf(latest),
    changedAt: new Date(catalog.committedAt),
    owner: owner === null ? undefined : { name: owner.name, since: new Date(owner.since) },
    checkpoints: checkpoints.length,
    quarantined: catalog.quarantined.length,
    bytes: (all ?? checkpoints.recent).reduce((sum, { bytes }) => sum + bytes, 0),
    best: all === undefined ? {} : bestIn(all, linesIfRead(catalog, catalog.metrics), objectives),
    isComplete: all !== undefined,
    recentMetrics: recentMetricsOf(catalog),
    hasRetention: hasFields(retention) || catalog.keeping?.partial === true,
    hasDropped: catalog.removed !== undefined || catalog.history.some(({ dropped }) => dropped.length > 0),
  }
}

/** Steps whose metrics a summary has. */
const mostRecent = 64

function recentMetricsOf(catalog: PagedCatalog): ReadableRun['recentMetrics'] {
  const { metrics: list } = catalog
  return (linesIfRead(catalog, list) ?? list.recent)
    .slice(-mostRecent)
    .map(({ step, metrics }) => ({ step, metrics: metricsOf(metrics) }))
}

/** Returns all lines of a list; `undefined` if it has pages that were not read. */
function linesIfRead<L extends Line>({ isWhole }: PagedCatalog, list: LineList<L>): readonly L[] | undefined {
  return isWhole || list.pages.length === 0 ? allRead(list).all : undefined
}

/**
 * Returns the best checkpoint of each objective that has one. Without the history of metrics, only the objectives that
 * do not depend on it are considered.
 */
function bestIn(
  checkpoints: readonly CatalogEntry[],
  history: readonly RecordedMetrics[] | undefined,
  objectives: Objectives,
): ReadableRun['best'] {
  const measured = history ?? checkpoints.filter(({ metrics }) => hasFields(metrics))
  const lines: Lines = {
    checkpoints: new PagedList([], checkpoints),
    metrics: new PagedList(
      [],
      measured.map(({ step, metrics, order }) => ({ step, metrics, order })),
    ),
  }
  const considered = Object.entries(objectives).filter(
    ([, objective]) => history !== undefined || isWithoutHistory(objective),
  )
  const judgement = judge(lines, Object.fromEntries(considered))
  return Object.fromEntries(
    [...judgement.best].flatMap(([name, [step]]): [string, BestOfRun][] => {
      const value = step === undefined ? undefined : judgement.evaluations.get(name)?.get(step)?.value
      return step === undefined || value === undefined ? [] : [[name, { step, value }]]
    }),
  )
}

/** Whether the best of some checkpoints depends on nothing but their own metrics. */
function isWithoutHistory(objective: Objective): boolean {
  if (!isMetricObjective(objective)) return false
  const { smoothing, minDelta, warmUp } = objective
  return smoothing === undefined && minDelta === undefined && warmUp === undefined
}
