import type { RunsFilter } from './choose-runs.ts'
import { concerns, type Concern } from './concerns.ts'
import { count, shortened } from './text.ts'

interface RunsFiltersOptions {
  readonly filter: RunsFilter
  readonly onFilter: (changed: RunsFilter) => void
  /** The metrics of which the table can show a curve. */
  readonly metrics: readonly string[]
  readonly curve: string | undefined
  readonly onCurve: (metric: string) => void
  /** Numbers of runs. */
  readonly chosen: number
  readonly all: number
}

/** The controls above the table of runs. */
export function RunsFilters({ filter, onFilter, metrics, curve, onCurve, chosen, all }: RunsFiltersOptions) {
  return (
    <div class="controls">
      <label>
        Search names{' '}
        <input
          type="search"
          value={filter.search}
          onInput={(event) => {
            onFilter({ ...filter, search: event.currentTarget.value })
          }}
        />
      </label>
      <span class="controls" role="group" aria-label="Only runs that are">
        {concerns.map((concern) => (
          <label key={concern}>
            <input
              type="checkbox"
              checked={filter.concerns.has(concern)}
              onChange={() => {
                onFilter({ ...filter, concerns: toggled(filter.concerns, concern) })
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
              onCurve(event.currentTarget.value)
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
        {chosen === all ? count(all, 'run') : `${chosen} of ${count(all, 'run')}`}
      </output>
    </div>
  )
}

function toggled(chosen: ReadonlySet<Concern>, concern: Concern): ReadonlySet<Concern> {
  const others = [...chosen].filter((each) => each !== concern)
  return new Set(chosen.has(concern) ? others : [...others, concern])
}
