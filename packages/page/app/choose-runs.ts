import type { PageReadableRun, PageRun } from '../src/runs-page.ts'
import { type Concern, concernsOf } from './concerns.ts'

export interface RunsFilter {
  /** A part of the name. */
  readonly search: string
  /** Only runs with one of these concerns. Empty for all runs. */
  readonly concerns: ReadonlySet<Concern>
}

export function matching(runs: readonly PageRun[], filter: RunsFilter, now: number): readonly PageRun[] {
  const wanted = filter.search.trim().toLowerCase()
  return runs.filter(
    (run) =>
      run.name.toLowerCase().includes(wanted) &&
      (filter.concerns.size === 0 || concernsOf(run, now).some((each) => filter.concerns.has(each))),
  )
}

export interface RunsSorting {
  /** `name`, `latest`, `saved`, `checkpoints`, `size`, or `best:` and the name of an objective. */
  readonly by: string
  readonly isDescending: boolean
}

/** Sorts runs. Those without the value come last, in either direction. */
export function sorted(runs: readonly PageRun[], { by, isDescending }: RunsSorting): readonly PageRun[] {
  const sign = isDescending ? -1 : 1
  if (by === 'name') return runs.toSorted((one, other) => sign * compare(one.name, other.name))
  return runs.toSorted((one, other) => {
    const [left, right] = [numberOf(one, by), numberOf(other, by)]
    if (left === undefined || right === undefined)
      return Number(left === undefined) - Number(right === undefined)
    return sign * (left - right)
  })
}

/** Returns the names of the objectives of all runs. */
export function objectivesOf(runs: readonly PageRun[]): readonly string[] {
  return namesIn(runs, ({ best }) => best)
}

/** Returns the names of the metrics of which runs have a curve. */
export function metricsOf(runs: readonly PageRun[]): readonly string[] {
  return namesIn(runs, ({ curves }) => curves)
}

function namesIn(
  runs: readonly PageRun[],
  listOf: (run: PageReadableRun) => readonly { readonly name: string }[],
): readonly string[] {
  const names = runs.flatMap((run) => (run.state === 'readable' ? listOf(run).map(({ name }) => name) : []))
  return [...new Set(names)].sort(compare)
}

function numberOf(run: PageRun, by: string): number | undefined {
  if (run.state !== 'readable') return undefined
  if (by === 'latest') return run.latest?.step
  if (by === 'saved') return run.latest?.savedAt
  if (by === 'checkpoints') return run.checkpoints
  if (by === 'size') return run.bytes
  return run.best.find(({ name }) => `best:${name}` === by)?.value ?? undefined
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other)
}
