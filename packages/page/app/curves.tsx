import { useMemo, useState } from 'preact/hooks'
import type { PageCheckpoint, PageMetrics, PageSeries } from '../src/run-page.ts'
import { Chart } from './chart.tsx'
import { curveOf, type Range } from './curve.ts'
import { shortened } from './text.ts'

/** Curves that are shown at first. */
const firstCurves = 4

/** Names in the choice of curves. A run with more is narrowed by the search. */
const mostNames = 60

interface NamedSeries extends PageSeries {
  readonly id: string
  readonly title: string
}

export interface CurvesOptions {
  readonly metrics: PageMetrics
  readonly checkpoints: readonly PageCheckpoint[]
  readonly theme: string
}

/** The curves of the chosen metrics and objectives, which zoom together. */
export function Curves({ metrics, checkpoints, theme }: CurvesOptions) {
  const all = useMemo(() => namedSeries(metrics), [metrics])
  const whole = useMemo(() => wholeRange(metrics.steps), [metrics])
  const [picked, setPicked] = useState<ReadonlySet<string>>()
  const chosen = useMemo(
    () => picked ?? new Set(all.slice(0, firstCurves).map(({ id }) => id)),
    [picked, all],
  )
  const [search, setSearch] = useState('')
  const [zoomed, setZoomed] = useState<Range>()
  const range = zoomed ?? whole
  const [weight, setWeight] = useState(0)
  const [isLogarithmic, setLogarithmic] = useState(false)
  const listed = useMemo(() => checkpoints.map(({ step }) => step), [checkpoints])
  const best = useMemo(
    () => checkpoints.flatMap(({ step, bestOf }) => (bestOf === undefined ? [] : [step])),
    [checkpoints],
  )
  const { abandoned } = metrics
  const curves = useMemo(
    () => new Map(all.map((series) => [series.id, { series, curve: curveOf(metrics.steps, series.values) }])),
    [all, metrics],
  )
  if (all.length === 0) {
    return (
      <section aria-labelledby="curves">
        <h2 id="curves">Metrics</h2>
        <p class="muted">No step has metrics. Pass them with each save, or attach them later.</p>
      </section>
    )
  }
  const matching = all.filter(({ title }) => title.toLowerCase().includes(search.toLowerCase()))
  const zoom = (next: Range): void => {
    const from = Math.max(whole.from, Math.min(next.from, whole.to - 1))
    const to = Math.min(whole.to, Math.max(next.to, from + 1))
    // Later steps stay in view if all steps are.
    setZoomed(from === whole.from && to === whole.to ? undefined : { from, to })
  }
  const width = range.to - range.from
  const isWhole = range.from === whole.from && range.to === whole.to
  return (
    <section aria-labelledby="curves">
      <h2 id="curves">Metrics</h2>
      <div class="controls">
        <label>
          Smoothing{' '}
          <input
            type="range"
            min="0"
            max="0.99"
            step="0.01"
            value={weight}
            onInput={(event) => {
              setWeight(Number(event.currentTarget.value))
            }}
          />
        </label>
        <label>
          <input
            type="checkbox"
            checked={isLogarithmic}
            onChange={(event) => {
              setLogarithmic(event.currentTarget.checked)
            }}
          />{' '}
          Log scale
        </label>
        <span class="buttons" role="group" aria-label="Zoom">
          <button
            type="button"
            aria-label="Zoom in"
            disabled={width <= 2}
            onClick={() => {
              zoom({ from: Math.floor(range.from + width / 4), to: Math.ceil(range.to - width / 4) })
            }}
          >
            +
          </button>
          <button
            type="button"
            aria-label="Zoom out"
            disabled={isWhole}
            onClick={() => {
              zoom({ from: Math.floor(range.from - width / 2), to: Math.ceil(range.to + width / 2) })
            }}
          >
            −
          </button>
          <button
            type="button"
            aria-label="Earlier steps"
            disabled={range.from === whole.from}
            onClick={() => {
              zoom(shifted(range, -Math.ceil(width / 2), whole))
            }}
          >
            ←
          </button>
          <button
            type="button"
            aria-label="Later steps"
            disabled={range.to === whole.to}
            onClick={() => {
              zoom(shifted(range, Math.ceil(width / 2), whole))
            }}
          >
            →
          </button>
          <button
            type="button"
            disabled={isWhole}
            onClick={() => {
              setZoomed(undefined)
            }}
          >
            All steps
          </button>
        </span>
        <output class="muted">
          steps {range.from} to {range.to}
        </output>
      </div>
      <details class="choice" open={all.length <= 12}>
        <summary>
          {chosen.size} of {all.length} curves
        </summary>
        {all.length > 12 && (
          <label>
            Search{' '}
            <input
              type="search"
              value={search}
              onInput={(event) => {
                setSearch(event.currentTarget.value)
              }}
            />
          </label>
        )}
        <ul>
          {matching.slice(0, mostNames).map(({ id, title }) => (
            <li key={id}>
              <label>
                <input
                  type="checkbox"
                  checked={chosen.has(id)}
                  onChange={() => {
                    setPicked(toggled(chosen, id))
                  }}
                />{' '}
                <bdi>{title}</bdi>
              </label>
            </li>
          ))}
        </ul>
        {matching.length > mostNames && (
          <p class="muted">{matching.length - mostNames} more. Search to find them.</p>
        )}
      </details>
      <p class="legend muted">
        <span class="mark listed" /> a kept checkpoint <span class="mark best" /> the best of an objective{' '}
        {abandoned.length > 0 && (
          <>
            <span class="mark abandoned" /> abandoned by a rewind{' '}
          </>
        )}
        · drag across a curve to zoom
      </p>
      <div class="charts">
        {[...chosen].flatMap((id) => {
          const found = curves.get(id)
          if (found === undefined) return []
          const { series, curve } = found
          return [
            <Chart
              key={id}
              title={series.title}
              curve={curve}
              listed={listed}
              best={best}
              abandoned={abandoned}
              range={range}
              weight={weight}
              isLogarithmic={isLogarithmic}
              notFinite={series.notFinite}
              theme={theme}
              onZoom={zoom}
            />,
          ]
        })}
      </div>
    </section>
  )
}

function namedSeries({ metrics, objectives }: PageMetrics): readonly NamedSeries[] {
  return [
    ...metrics.map((series) => ({ ...series, id: `metric ${series.name}`, title: shortened(series.name) })),
    ...objectives.map((series) => ({
      ...series,
      id: `objective ${series.name}`,
      title: `objective ${shortened(series.name)}`,
    })),
  ]
}

function wholeRange(steps: readonly number[]): Range {
  const from = steps[0] ?? 0
  return { from, to: Math.max(steps.at(-1) ?? 0, from + 1) }
}

function shifted(range: Range, by: number, whole: Range): Range {
  const width = range.to - range.from
  const from = Math.min(Math.max(whole.from, range.from + by), whole.to - width)
  return { from, to: from + width }
}

function toggled(set: ReadonlySet<string>, id: string): ReadonlySet<string> {
  return set.has(id) ? new Set([...set].filter((each) => each !== id)) : new Set([...set, id])
}
