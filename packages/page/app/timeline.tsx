import { useMemo } from 'preact/hooks'
import type { PageCheckpoint } from '../src/run-page.ts'
import { count, formatDuration, formatRate, formatTime } from './text.ts'
import { marksToDraw, type Timeline as Times, type TimelineMark, timelineOf } from './times.ts'

/** The size of the drawing, which the page scales to its width. */
const width = 1000
const height = 74
const margin = 6

/** Where each kind of mark is drawn. */
const rows = { save: 12, restore: 44 } as const
const markHeight = 22
const narrowest = 2

/** When the kept checkpoints were saved, and when the run was restored. */
export function Timeline({ checkpoints }: { readonly checkpoints: readonly PageCheckpoint[] }) {
  const times = useMemo(() => timelineOf(checkpoints), [checkpoints])
  if (times === undefined || times.from === times.to) return null
  const { usualPause, usualSave, gaps } = times
  const restores = times.marks.filter(({ kind }) => kind === 'restore').slice(-5)
  return (
    <section aria-labelledby="timeline">
      <h2 id="timeline">Saves and restores</h2>
      <p class="muted">
        Kept checkpoints only.
        {usualPause !== undefined && ` Usually one each ${formatDuration(usualPause)}.`}
        {usualSave !== undefined &&
          ` A save usually takes ${formatDuration(usualSave.duration)} (${formatRate(usualSave.rate)}).`}
      </p>
      <Drawing times={times} />
      <p class="muted ends">
        <span>{formatTime(times.from)} UTC</span>
        <span>{formatTime(times.to)} UTC</span>
      </p>
      <p class="legend muted">
        <span class="swatch save" /> save <span class="swatch restore" /> restore <span class="swatch gap" />{' '}
        long pause
      </p>
      {(gaps.length > 0 || restores.length > 0) && (
        <ul>
          {gaps.map(({ from, to, before, after }) => (
            <li key={`gap ${after}`}>
              {formatDuration(to - from)} without a save{' '}
              <span class="muted">
                between step {before} and step {after}, until {formatTime(to)} UTC
              </span>
            </li>
          ))}
          {restores.map(({ step, from, to }) => (
            <li key={`restore ${from}`}>
              restored step {step} in {formatDuration(to - from)}{' '}
              <span class="muted">{formatTime(from)} UTC</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function Drawing({ times }: { readonly times: Times }) {
  const marks = useMemo(() => marksToDraw(times, width / 4), [times])
  const scale = (width - 2 * margin) / (times.to - times.from)
  const x = (time: number): number => margin + (time - times.from) * scale
  return (
    <svg
      class="timeline"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={summary(times)}
    >
      {times.gaps.map(({ from, to }) => (
        <rect key={from} class="gap" x={x(from)} y={0} width={x(to) - x(from)} height={height} />
      ))}
      <line class="base" x1={0} y1={height - 1} x2={width} y2={height - 1} />
      {marks.map((mark) => (
        <rect
          key={`${mark.kind} ${mark.from}`}
          class={mark.kind}
          x={x(mark.from)}
          y={rows[mark.kind]}
          width={Math.max(narrowest, x(mark.to) - x(mark.from))}
          height={markHeight}
        >
          <title>{describe(mark)}</title>
        </rect>
      ))}
    </svg>
  )
}

function describe({ kind, step, from, to, rate }: TimelineMark): string {
  const took = to === from ? '' : ` in ${formatDuration(to - from)}`
  const speed = rate === undefined ? '' : ` (${formatRate(rate)})`
  return `${kind} of step ${step}${took}${speed}, ${formatTime(from)} UTC`
}

function summary({ marks, gaps, from, to }: Times): string {
  const saves = marks.filter(({ kind }) => kind === 'save').length
  return `Timeline: ${count(saves, 'save')}, ${count(marks.length - saves, 'restore')} and ${count(gaps.length, 'long pause')} from ${formatTime(from)} to ${formatTime(to)} UTC`
}
