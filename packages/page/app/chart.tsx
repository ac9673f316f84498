import { useEffect, useMemo, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { type Curve, extremes, firstFrom, type Range, smoothed, thinned } from './curve.ts'
import { count, formatMetric } from './text.ts'

const height = 220

/** Points at most in one chart, so that drawing takes little time however long the run is. */
const groups = 800

/** uPlot exports the names of its scales as types only. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- the name has no value at run time
const logarithmic: uPlot.Scale.Distr.Logarithmic = 3

/** Marks of checkpoints at most in one chart. More would hide the curve. */
const mostMarks = 300

export interface ChartOptions {
  readonly title: string
  readonly curve: Curve
  /** The steps of listed checkpoints, in ascending order. */
  readonly listed: readonly number[]
  /** The steps that are the best of an objective. */
  readonly best: readonly number[]
  /** The steps that a rewind abandoned, in ascending order. */
  readonly abandoned: readonly number[]
  readonly range: Range
  readonly weight: number
  readonly isLogarithmic: boolean
  readonly notFinite: number
  /** Changes if the colours change. */
  readonly theme: string
  readonly onZoom: (range: Range) => void
}

/** A curve of one metric: raw, smoothed, and with marks of the listed and the best checkpoints. */
export function Chart(options: ChartOptions) {
  const { title, curve, listed, best, abandoned, range, weight, isLogarithmic, notFinite, theme, onZoom } =
    options
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  const smooth = useMemo(() => smoothed(curve.values, weight), [curve, weight])
  const data = useMemo(
    () => dataOf(curve, smooth, { listed, best, abandoned, range, isLogarithmic }),
    [curve, smooth, listed, best, abandoned, range, isLogarithmic],
  )
  const text = useMemo(() => summary(curve), [curve])
  const hidden = useMemo(() => curve.values.filter((value) => value <= 0).length, [curve])
  useEffect(() => {
    const target = place.current
    if (target === null) return undefined
    const made = new uPlot(optionsOf(target, { isLogarithmic, onZoom, isSmoothed: weight > 0 }), data, target)
    made.setScale('x', { min: range.from, max: range.to })
    plot.current = made
    const observer = new ResizeObserver(() => {
      made.setSize({ width: target.clientWidth, height })
    })
    observer.observe(target)
    return () => {
      observer.disconnect()
      made.destroy()
      plot.current = undefined
    }
    // The data and the range change below, without a new chart.
  }, [isLogarithmic, weight > 0, theme])
  useEffect(() => {
    plot.current?.batch(() => {
      plot.current?.setData(data, true)
      plot.current?.setScale('x', { min: range.from, max: range.to })
    })
  }, [data, range])
  return (
    <figure>
      <figcaption>
        <strong dir="auto">{title}</strong> <span class="muted">{text}</span>
      </figcaption>
      <div
        ref={place}
        class="plot"
        role="img"
        aria-label={`${title} by step, ${count(curve.values.length, 'value')}: ${text}`}
      />
      {notFinite > 0 && <p class="warning">{count(notFinite, 'value')} NaN or infinite, and not drawn</p>}
      {hidden > 0 && <p class="muted">{count(hidden, 'value')} not above 0, and not drawn on a log scale</p>}
    </figure>
  )
}

interface Marks {
  readonly listed: readonly number[]
  readonly best: readonly number[]
  readonly abandoned: readonly number[]
  readonly range: Range
  readonly isLogarithmic: boolean
}

/** The points to draw: the curve, the smoothed curve, the listed checkpoints, and the best ones. */
function dataOf(
  { steps, values }: Curve,
  smooth: readonly number[],
  { listed, best, abandoned, range, isLogarithmic }: Marks,
): uPlot.AlignedData {
  const isInRange = (step: number): boolean => step >= range.from && step <= range.to
  const few = (steps: readonly number[]): ReadonlySet<number> => {
    const inRange = steps.filter(isInRange)
    return new Set(inRange.length <= mostMarks ? inRange : [])
  }
  const marked = few(listed)
  const left = few(abandoned)
  const bestSteps = new Set(best.filter(isInRange))
  const drawn = new Set(thinned({ steps, values }, range, groups))
  for (const step of [...marked, ...bestSteps, ...left]) {
    const index = firstFrom(steps, step)
    if (steps[index] === step) drawn.add(index)
  }
  const indices = [...drawn].sort((one, other) => one - other)
  const shown = (value: number | undefined): number | null =>
    value === undefined || (isLogarithmic && value <= 0) ? null : value
  return [
    indices.map((index) => steps[index] ?? 0),
    indices.map((index) => shown(values[index])),
    indices.map((index) => shown(smooth[index])),
    indices.map((index) => (marked.has(steps[index] ?? -1) ? shown(values[index]) : null)),
    indices.map((index) => (bestSteps.has(steps[index] ?? -1) ? shown(values[index]) : null)),
    indices.map((index) => (left.has(steps[index] ?? -1) ? shown(values[index]) : null)),
  ]
}

function optionsOf(
  target: HTMLElement,
  {
    isLogarithmic,
    isSmoothed,
    onZoom,
  }: {
    readonly isLogarithmic: boolean
    readonly isSmoothed: boolean
    readonly onZoom: (range: Range) => void
  },
): uPlot.Options {
  const colours = getComputedStyle(target)
  const colour = (name: string): string => colours.getPropertyValue(name).trim()
  const axis = {
    stroke: colour('--muted'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  }
  const marks = (stroke: string, size: number, fill = stroke): uPlot.Series => ({
    stroke,
    paths: () => null,
    points: { show: true, size, stroke, fill },
  })
  return {
    width: target.clientWidth,
    height,
    legend: { show: false },
    scales: { x: { time: false }, y: { ...(isLogarithmic ? { distr: logarithmic } : {}) } },
    axes: [
      { ...axis, values: (_, steps) => steps.map((step) => String(step)) },
      {
        ...axis,
        size: 64,
        values: (_, values) => values.map((value) => formatMetric(value)),
      },
    ],
    series: [
      {},
      {
        stroke: colour(isSmoothed ? '--curve-pale' : '--curve'),
        width: 1,
        spanGaps: true,
        points: { show: false },
      },
      { stroke: colour('--curve'), width: 2, spanGaps: true, show: isSmoothed, points: { show: false } },
      marks(colour('--curve'), 6),
      marks(colour('--best'), 11),
      marks(colour('--muted'), 8, colour('--background')),
    ],
    cursor: { drag: { x: true, y: false, setScale: false } },
    hooks: {
      setSelect: [
        (chart) => {
          const { left, width } = chart.select
          if (width < 2) return
          onZoom({
            from: Math.floor(chart.posToVal(left, 'x')),
            to: Math.ceil(chart.posToVal(left + width, 'x')),
          })
          chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
        },
      ],
    },
  }
}

function summary(curve: Curve): string {
  const found = extremes(curve)
  if (found === undefined) return 'no value'
  const { lowest, highest, last } = found
  return `last ${formatMetric(last.value)} · lowest ${formatMetric(lowest.value)} at ${lowest.step} · highest ${formatMetric(highest.value)} at ${highest.step}`
}
