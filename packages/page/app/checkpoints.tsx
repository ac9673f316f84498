import { useMemo, useState } from 'preact/hooks'
import type { PageCheckpoint, PageDrop, PageMetrics } from '../src/run-page.ts'
import { type Column, columnsOf, stepOf } from './columns.ts'
import { PagesOfTable } from './pages-of-table.tsx'
import { count, formatDuration, formatMetric, formatRate, formatSize, formatTime, shortened } from './text.ts'
import { rateOf } from './times.ts'

const rowsOnPage = 50

interface Sorting {
  /** The key of a column. */
  readonly by: string
  readonly isDescending: boolean
}

export interface CheckpointsOptions {
  readonly checkpoints: readonly PageCheckpoint[]
  /** What the next save would drop. */
  readonly drops: readonly PageDrop[]
  readonly metrics: PageMetrics
  readonly hasRetention: boolean
  /** Returns the address of the page of a checkpoint. Absent in a report. */
  readonly addressOf?: ((step: number) => string) | undefined
}

/** The table of the listed checkpoints, with the reasons why each is kept. */
export function Checkpoints({ checkpoints, drops, metrics, hasRetention, addressOf }: CheckpointsOptions) {
  const [sorting, setSorting] = useState<Sorting>({ by: 'step', isDescending: true })
  const [search, setSearch] = useState('')
  const [page, setPage] = useState(0)
  const dropped = useMemo(() => new Set(drops.map(({ step }) => step)), [drops])
  const noteOf = (checkpoint: PageCheckpoint): string =>
    notesOf(checkpoint, hasRetention, dropped.has(checkpoint.step))
  const isTimed = useMemo(() => checkpoints.some(({ saving }) => saving !== undefined), [checkpoints])
  const columns = useMemo(() => columnsOf(metrics, isTimed), [metrics, isTimed])
  const rows = useMemo(() => {
    const wanted = search.trim().toLowerCase()
    const found = checkpoints.filter(
      (checkpoint) =>
        wanted === '' || `${checkpoint.step} ${noteOf(checkpoint)}`.toLowerCase().includes(wanted),
    )
    const numberOf = columns.find(({ key }) => key === sorting.by)?.numberOf ?? stepOf
    const missing = sorting.isDescending ? -Infinity : Infinity
    const sign = sorting.isDescending ? -1 : 1
    return found.toSorted((one, other) => {
      const [left, right] = [numberOf(one) ?? missing, numberOf(other) ?? missing]
      return left === right ? 0 : sign * (left < right ? -1 : 1)
    })
  }, [checkpoints, search, sorting, columns, hasRetention, dropped])
  const pages = Math.max(1, Math.ceil(rows.length / rowsOnPage))
  const current = Math.min(page, pages - 1)
  const sortBy = (by: string): void => {
    setSorting({ by, isDescending: sorting.by === by ? !sorting.isDescending : true })
    setPage(0)
  }
  const heading = ({ key, title }: Column) => (
    <th
      key={key}
      scope="col"
      aria-sort={sorting.by === key ? (sorting.isDescending ? 'descending' : 'ascending') : 'none'}
    >
      <button
        type="button"
        onClick={() => {
          sortBy(key)
        }}
      >
        <bdi>{shortened(title, 24)}</bdi>
        <span aria-hidden="true">{sorting.by === key ? (sorting.isDescending ? ' ↓' : ' ↑') : ''}</span>
      </button>
    </th>
  )
  return (
    <section aria-labelledby="checkpoints">
      <h2 id="checkpoints">Checkpoints</h2>
      <div class="controls">
        <label>
          Search steps, reasons and tags{' '}
          <input
            type="search"
            value={search}
            onInput={(event) => {
              setSearch(event.currentTarget.value)
              setPage(0)
            }}
          />
        </label>
        <output class="muted">
          {rows.length === checkpoints.length
            ? count(rows.length, 'checkpoint')
            : `${rows.length} of ${count(checkpoints.length, 'checkpoint')}`}
        </output>
      </div>
      <div class="scroll" role="region" aria-label="Table of checkpoints" tabIndex={0}>
        <table>
          <thead>
            <tr>
              {columns.map(heading)}
              <th scope="col">Kept because</th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(current * rowsOnPage, (current + 1) * rowsOnPage).map((checkpoint) => (
              <tr key={checkpoint.step}>
                <th scope="row">
                  {addressOf === undefined ? (
                    checkpoint.step
                  ) : (
                    <a href={addressOf(checkpoint.step)}>{checkpoint.step}</a>
                  )}
                </th>
                <td>{checkpoint.epoch ?? ''}</td>
                <td>{formatSize(checkpoint.bytes)}</td>
                <td>{formatTime(checkpoint.savedAt)}</td>
                {isTimed && <Times checkpoint={checkpoint} />}
                {columns.flatMap(({ key, isMetric, numberOf }) =>
                  isMetric ? [<td key={key}>{formatMetric(numberOf(checkpoint))}</td>] : [],
                )}
                <td class="text">
                  <bdi>{shortened(noteOf(checkpoint))}</bdi>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length === 0 && <p class="muted">No checkpoint matches.</p>}
      <PagesOfTable current={current} pages={pages} onChoose={setPage} />
    </section>
  )
}

function Times({ checkpoint: { bytes, saving } }: { readonly checkpoint: PageCheckpoint }) {
  const rate = rateOf(bytes, saving)
  return (
    <>
      <td>{saving === undefined ? '' : formatDuration(saving)}</td>
      <td>{rate === undefined ? '' : formatRate(rate)}</td>
    </>
  )
}

function notesOf(
  { kept, bestOf = [], tags = [], pinned }: PageCheckpoint,
  hasRetention: boolean,
  isDropped: boolean,
): string {
  const marks = [...tags.map((tag) => `#${tag}`), ...(isDropped ? ['the next save drops it'] : [])]
  if (kept !== undefined) return [...kept, ...marks].join(', ')
  return [
    ...(hasRetention ? ['nothing'] : []),
    ...bestOf.map((name) => `best ${name}`),
    ...(pinned === true ? ['pinned'] : []),
    ...marks,
  ].join(', ')
}
