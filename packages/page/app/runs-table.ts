import type { PageReadableRun, PageRun } from '../src/runs-page.ts'

/** What the table marks about a run. */
export const concerns = [
  'damaged',
  'newer version',
  'no catalog',
  'quarantined',
  'stale',
  'never pruned',
] as const
export type Concern = (typeof concerns)[number]

/** Milliseconds without a save after which a run is stale. */
export const staleAfter = 7 * 86_400_000

/** Whether a run needs attention. A run without a catalog usually is one whose first save is under way. */
export function needsAttention(run: PageRun, now: number): boolean {
  return concernsOf(run, now).some((concern) => concern !== 'no catalog')
}

/** Returns what the table points out about a run. */
export function concernsOf(run: PageRun, now: number): readonly Concern[] {
  if (run.state === 'unsupported') return ['newer version']
  if (run.state !== 'readable') return [run.state]
  const { quarantined, latest, isNeverPruned } = run
  return [
    ...(quarantined > 0 ? (['quarantined'] as const) : []),
    ...(latest !== undefined && now - latest.savedAt > staleAfter ? (['stale'] as const) : []),
    ...(isNeverPruned ? (['never pruned'] as const) : []),
  ]
}

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

/** The price of the checkpoints for a month. `price` is that of one GB. */
export function monthlyCost(bytes: number, price: number): number {
  return (bytes / 1e9) * price
}

/**
 * Returns the path of a small curve in a box of a width and a height, as SVG draws it; `undefined` if there is nothing to draw.
 */
export function pathOfCurve(values: readonly number[], width: number, height: number): string | undefined {
  if (values.length < 2) return undefined
  const lowest = Math.min(...values)
  const range = Math.max(...values) - lowest
  return values
    .map((value, index) => {
      const x = (index / (values.length - 1)) * width
      const y = range === 0 ? height / 2 : height - ((value - lowest) / range) * height
      return `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`
    })
    .join('')
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
