import type { ReadableRun, RunSummary, UnreadableRun } from '@holdfast/core'
import type { PageReadableRun, PageRun, RunsPage } from './runs-page.ts'

/** The number of checkpoints from which a run is pointed out if it has no retention and never dropped any. */
const manyCheckpoints = 20

/** Metrics of a run of which the page shows a curve, and values of each. */
const mostCurves = 4
const mostValues = 40

/** Digits that a small curve can show. */
const digits = 4

export interface RunsOptions {
  /** The path or URL below which the runs are, without secrets. */
  readonly prefix: string
  readonly now: Date
  readonly price?: number | undefined
  /** Returns what a person reads of a run that cannot be read. Default: the reason of its error, without a remedy. */
  readonly phrase?: ((run: UnreadableRun) => string) | undefined
}

/** Returns what the page of all runs shows. */
export function runsPageOf(
  runs: readonly RunSummary[],
  { prefix, now, price, phrase = ({ error }) => error.reason }: RunsOptions,
): RunsPage {
  return {
    prefix,
    readAt: now.getTime(),
    ...(price === undefined ? {} : { price }),
    runs: runs.map((run): PageRun => {
      const { name, state } = run
      return state === 'readable' ? readableOf(run) : { name, state, problem: phrase(run) }
    }),
  }
}

function readableOf(run: ReadableRun): PageReadableRun {
  const { name, state, latest, checkpoints, quarantined, bytes, isComplete, best } = run
  return {
    name,
    state,
    ...(latest === undefined ? {} : { latest: { step: latest.step, savedAt: latest.savedAt.getTime() } }),
    checkpoints,
    quarantined,
    bytes,
    isComplete,
    isNeverPruned: isNeverPruned(run),
    best: Object.entries(best).map(([objective, { step, value }]) => ({
      name: objective,
      step,
      value: Number.isFinite(value) ? value : null,
    })),
    curves: curvesOf(run),
  }
}

/** Whether a run has many checkpoints, no retention, and never dropped any. */
export function isNeverPruned({ checkpoints, hasRetention, hasDropped }: ReadableRun): boolean {
  return checkpoints >= manyCheckpoints && !hasRetention && !hasDropped
}

function curvesOf({ recentMetrics }: ReadableRun): PageReadableRun['curves'] {
  const names = [...new Set(recentMetrics.flatMap(({ metrics }) => Object.keys(metrics)))].sort()
  return names.slice(0, mostCurves).map((name) => ({
    name,
    values: recentMetrics
      .flatMap(({ metrics }) => (Object.hasOwn(metrics, name) ? [metrics[name] ?? Number.NaN] : []))
      .filter((value) => Number.isFinite(value))
      .slice(-mostValues)
      .map((value) => Number(value.toPrecision(digits))),
  }))
}
