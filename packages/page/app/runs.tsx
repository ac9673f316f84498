import { useMemo, useState } from 'preact/hooks'
import type { PageRun, RunsPage } from '../src/runs-page.ts'
import {
  matching,
  metricsOf,
  objectivesOf,
  type RunsFilter,
  type RunsSorting,
  sorted,
} from './choose-runs.ts'
import { needsAttention } from './concerns.ts'
import { monthlyCost } from './monthly-cost.ts'
import { PagesOfTable } from './pages-of-table.tsx'
import { RunsFilters } from './runs-filters.tsx'
import { TableOfRuns } from './table-of-runs.tsx'
import { count, formatSize, formatTime, shortened } from './text.ts'

/** Rows of one page of the table. */
const rowsOnPage = 100

/** Objectives that have a column. */
const mostObjectives = 3

export interface RunsOptions {
  readonly page: RunsPage
  readonly addressOf: (name: string) => string
}

/** The page of all runs below a prefix. */
export function Runs({ page, addressOf }: RunsOptions) {
  const { prefix, runs, readAt, price } = page
  return (
    <main>
      <header>
        <h1 dir="auto">{shortened(prefix, 200)}</h1>
        <p class="muted">as of {formatTime(readAt)} UTC</p>
      </header>
      {runs.length === 0 ? (
        <section class="notice">
          <h2>No run yet</h2>
          <p>A run is a folder into which holdfast saves.</p>
        </section>
      ) : (
        <>
          <Sums runs={runs} price={price} now={readAt} />
          <ChosenRuns page={page} addressOf={addressOf} />
        </>
      )}
    </main>
  )
}

interface SumsOptions {
  readonly runs: readonly PageRun[]
  readonly price: number | undefined
  readonly now: number
}

function Sums({ runs, price, now }: SumsOptions) {
  const readable = runs.filter((run) => run.state === 'readable')
  const bytes = readable.reduce((sum, run) => sum + run.bytes, 0)
  const isComplete = readable.every((run) => run.isComplete)
  const attention = runs.filter((run) => needsAttention(run, now)).length
  const atLeast = isComplete ? '' : '≥ '
  return (
    <dl class="facts">
      <div>
        <dt>Runs</dt>
        <dd>
          {runs.length.toLocaleString('en')}{' '}
          <span class="muted">{attention === 0 ? 'all well' : `${attention} need attention`}</span>
        </dd>
      </div>
      <div>
        <dt>Size</dt>
        <dd>
          {atLeast}
          {formatSize(bytes)}{' '}
          <span class="muted">
            {count(
              readable.reduce((sum, run) => sum + run.checkpoints, 0),
              'checkpoint',
            )}
          </span>
        </dd>
      </div>
      {price !== undefined && (
        <div>
          <dt>Cost of a month</dt>
          <dd>
            {atLeast}
            {monthlyCost(bytes, price).toFixed(2)} <span class="muted">at {price} per GB</span>
          </dd>
        </div>
      )}
    </dl>
  )
}

/** The runs that the filters choose, one page of the table at a time. */
function ChosenRuns({ page: { runs, readAt, price }, addressOf }: RunsOptions) {
  const [filter, setFilter] = useState<RunsFilter>({ search: '', concerns: new Set() })
  const [sorting, setSorting] = useState<RunsSorting>({ by: 'saved', isDescending: true })
  const [pageNumber, setPage] = useState(0)
  const [metric, setMetric] = useState<string>()
  const metrics = useMemo(() => metricsOf(runs), [runs])
  const objectives = useMemo(() => objectivesOf(runs).slice(0, mostObjectives), [runs])
  const chosen = useMemo(
    () => sorted(matching(runs, filter, readAt), sorting),
    [runs, filter, sorting, readAt],
  )
  const pages = Math.max(1, Math.ceil(chosen.length / rowsOnPage))
  const current = Math.min(pageNumber, pages - 1)
  const curve = metric ?? metrics[0]
  return (
    <section aria-labelledby="runs">
      <h2 id="runs">Runs</h2>
      <RunsFilters
        filter={filter}
        onFilter={(changed) => {
          setFilter(changed)
          setPage(0)
        }}
        metrics={metrics}
        curve={curve}
        onCurve={setMetric}
        chosen={chosen.length}
        all={runs.length}
      />
      <TableOfRuns
        runs={chosen.slice(current * rowsOnPage, (current + 1) * rowsOnPage)}
        columns={{ objectives, curve, price }}
        now={readAt}
        sorting={sorting}
        onSort={(changed) => {
          setSorting(changed)
          setPage(0)
        }}
        addressOf={addressOf}
      />
      {chosen.length === 0 && <p class="muted">No run matches.</p>}
      <PagesOfTable current={current} pages={pages} onChoose={setPage} />
    </section>
  )
}
