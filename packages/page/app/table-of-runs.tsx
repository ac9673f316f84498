import type { PageReadableRun, PageRun } from '../src/runs-page.ts'
import type { RunsSorting } from './choose-runs.ts'
import { concernsOf } from './concerns.ts'
import { pathOfCurve } from './curve.ts'
import { monthlyCost } from './monthly-cost.ts'
import { count, formatAge, formatMetric, formatSize, shortened } from './text.ts'

/** The columns that depend on the runs and on what the reader chooses. */
interface OptionalColumns {
  /** The names of objectives whose best value is shown. */
  readonly objectives: readonly string[]
  /** The metric whose curve is shown. */
  readonly curve: string | undefined
  /** Price of a GB in a month. */
  readonly price: number | undefined
}

interface TableOfRunsOptions {
  readonly runs: readonly PageRun[]
  readonly columns: OptionalColumns
  readonly now: number
  readonly sorting: RunsSorting
  readonly onSort: (changed: RunsSorting) => void
  readonly addressOf: (name: string) => string
}

/** The table of runs. A click on a heading sorts by its column, and a second one turns the order around. */
export function TableOfRuns({ runs, columns, now, sorting, onSort, addressOf }: TableOfRunsOptions) {
  const { objectives, curve, price } = columns
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
          onSort({ by, isDescending: sorting.by === by ? !sorting.isDescending : by !== 'name' })
        }}
      >
        <bdi>{shortened(title, 24)}</bdi>
        <span aria-hidden="true">{sorting.by === by ? (sorting.isDescending ? ' ↓' : ' ↑') : ''}</span>
      </button>
    </th>
  )
  return (
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
          {runs.map((run) => (
            <tr key={run.name}>
              <th scope="row" class="name">
                <a href={addressOf(run.name)} dir="auto">
                  {shortened(run.name === '' ? '.' : run.name, 80)}
                </a>
              </th>
              <Cells run={run} columns={columns} now={now} />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

interface CellsOptions {
  readonly run: PageRun
  readonly columns: OptionalColumns
  readonly now: number
}

function Cells({ run, columns: { objectives, curve, price }, now }: CellsOptions) {
  const notes = concernsOf(run, now).join(', ')
  if (run.state !== 'readable') {
    const columns = 4 + objectives.length + (curve === undefined ? 0 : 1) + (price === undefined ? 0 : 1)
    return (
      <>
        <td colSpan={columns} class="text">
          <bdi>{shortened(run.problem)}</bdi>
        </td>
        <td class="text">{notes}</td>
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
