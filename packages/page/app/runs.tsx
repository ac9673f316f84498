import { useMemo, useState } from 'preact/hooks'
import type { PageReadableRun, PageRun, RunsPage } from '../src/runs-page.ts'
import { PagesOfTable } from './pages-of-table.tsx'
import {
  type Concern,
  concerns,
  concernsOf,
  matching,
  metricsOf,
  monthlyCost,
  objectivesOf,
  pathOfCurve,
  type RunsSorting,
  sorted,
} from './runs-table.ts'
import { count, formatAge, formatMetric, formatSize, formatTime, shortened } from './text.ts'

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
          <RunsTable page={page} addressOf={addressOf} />
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
  const attention = runs.filter((run) => concernsOf(run, now).length > 0).length
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

function RunsTable({ page: { runs, readAt, price }, addressOf }: RunsOptions) {
  const [search, setSearch] = useState('')
  const [chosen, setChosen] = useState<ReadonlySet<Concern>>(new Set())
  const [sorting, setSorting] = useState<RunsSorting>({ by: 'saved', isDescending: true })
  const [pageNumber, setPage] = useState(0)
  const metrics = useMemo(() => metricsOf(runs), [runs])
  const [metric, setMetric] = useState<string>()
  const curve = metric ?? metrics[0]
  const objectives = useMemo(() => objectivesOf(runs).slice(0, mostObjectives), [runs])
  const rows = useMemo(
    () => sorted(matching(runs, { search, concerns: chosen }, readAt), sorting),
    [runs, search, chosen, sorting, readAt],
  )
  const pages = Math.max(1, Math.ceil(rows.length / rowsOnPage))
  const current = Math.min(pageNumber, pages - 1)
  const heading = (title: string, by: string, isText = false) => (
    <th
      key={by}
      scope="col"
      class={isText ? 'text' : ''}
      aria-sort={sorting.by === by ? (sorting.isDescending ? 'descending' : 'ascending') : 'none'}
    >
      <button
        type="button"
        onClick={() => {
          setSorting({ by, isDescending: sorting.by === by ? !sorting.isDescending : by !== 'name' })
          setPage(0)
        }}
      >
        <bdi>{shortened(title, 24)}</bdi>
        <span aria-hidden="true">{sorting.by === by ? (sorting.isDescending ? ' ↓' : ' ↑') : ''}</span>
      </button>
    </th>
  )
  return (
    <section aria-labelledby="runs">
      <h2 id="runs">Runs</h2>
      <div class="controls">
        <label>
          Search names{' '}
          <input
            type="search"
            value={search}
            onInput={(event) => {
              setSearch(event.currentTarget.value)
              setPage(0)
            }}
          />
        </label>
        <span class="controls" role="group" aria-label="Only runs that are">
          {concerns.map((concern) => (
            <label key={concern}>
              <input
                type="checkbox"
                checked={chosen.has(concern)}
                onChange={() => {
                  const others = [...chosen].filter((each) => each !== concern)
                  setChosen(new Set(chosen.has(concern) ? others : [...others, concern]))
                  setPage(0)
                }}
              />{' '}
              {concern}
            </label>
          ))}
        </span>
        {metrics.length > 1 && (
          <label>
            Curve of{' '}
            <select
              value={curve}
              onChange={(event) => {
                setMetric(event.currentTarget.value)
              }}
            >
              {metrics.map((name) => (
                <option key={name} value={name}>
                  {shortened(name, 60)}
                </option>
              ))}
            </select>
          </label>
        )}
        <output class="muted">
          {rows.length === runs.length
            ? count(rows.length, 'run')
            : `${rows.length} of ${count(runs.length, 'run')}`}
        </output>
      </div>
      <div class="scroll" role="region" aria-label="Table of runs" tabIndex={0}>
        <table>
          <thead>
            <tr>
              {heading('Run', 'name', true)}
              {heading('Latest', 'latest')}
              {heading('Saved', 'saved')}
              {objectives.map((name) => heading(`best ${name}`, `best:${name}`))}
              {curve !== undefined && (
                <th scope="col">
                  <bdi>{shortened(curve, 24)}</bdi>
                </th>
              )}
              {heading('Checkpoints', 'checkpoints')}
              {heading('Size', 'size')}
              {price !== undefined && <th scope="col">A month</th>}
              <th scope="col">Notes</th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(current * rowsOnPage, (current + 1) * rowsOnPage).map((run) => (
              <tr key={run.name}>
                <th scope="row" class="name">
                  <a href={addressOf(run.name)} dir="auto">
                    {shortened(run.name === '' ? '.' : run.name, 80)}
                  </a>
                </th>
                <Cells run={run} objectives={objectives} curve={curve} price={price} now={readAt} />
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length === 0 && <p class="muted">No run matches.</p>}
      <PagesOfTable current={current} pages={pages} onChoose={setPage} />
    </section>
  )
}

interface CellsOptions {
  readonly run: PageRun
  readonly objectives: readonly string[]
  readonly curve: string | undefined
  readonly price: number | undefined
  readonly now: number
}

function Cells({ run, objectives, curve, price, now }: CellsOptions) {
  const notes = concernsOf(run, now).join(', ')
  if (run.state !== 'readable') {
    const columns = 4 + objectives.length + (curve === undefined ? 0 : 1) + (price === undefined ? 0 : 1)
    return (
      <>
        <td colSpan={columns} class="text">
          <bdi>{shortened(run.problem)}</bdi>
        </td>
        <td class="text">{run.state}</td>
      </>
    )
  }
  const { latest, best, checkpoints, bytes, isComplete } = run
  const atLeast = isComplete ? '' : '≥ '
  return (
    <>
      <td>{latest?.step ?? ''}</td>
      <td>{latest === undefined ? '' : formatAge(latest.savedAt, now)}</td>
      {objectives.map((name) => (
        <td key={name}>{formatMetric(best.find((each) => each.name === name)?.value)}</td>
      ))}
      {curve !== undefined && (
        <td>
          <SmallCurve run={run} name={curve} />
        </td>
      )}
      <td>{checkpoints}</td>
      <td>
        {atLeast}
        {formatSize(bytes)}
      </td>
      {price !== undefined && (
        <td>
          {atLeast}
          {monthlyCost(bytes, price).toFixed(2)}
        </td>
      )}
      <td class="notes">{notes}</td>
    </>
  )
}

const curveWidth = 110
const curveHeight = 24

function SmallCurve({ run: { curves }, name }: { readonly run: PageReadableRun; readonly name: string }) {
  const values = curves.find((each) => each.name === name)?.values ?? []
  const path = pathOfCurve(values, curveWidth, curveHeight)
  const [first, last] = [values[0], values.at(-1)]
  if (path === undefined) return <>{formatMetric(last)}</>
  return (
    <svg
      class="small"
      width={curveWidth}
      height={curveHeight}
      viewBox={`-2 -2 ${curveWidth + 4} ${curveHeight + 4}`}
      role="img"
      aria-label={`from ${formatMetric(first)} to ${formatMetric(last)} in the latest ${count(values.length, 'value')}`}
    >
      <path d={path} />
    </svg>
  )
}
