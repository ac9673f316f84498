import type { PageCheckpoint, RunPage } from '../src/run-page.ts'
import { count, formatAge, formatDuration, formatMetric, formatSize, shortened } from './text.ts'

/** The most important facts of a run. */
export function Overview({ page }: { readonly page: RunPage }) {
  const { checkpoints, readAt, free, bytesPerDay = 0, mirror } = page
  const newest = checkpoints.reduce<PageCheckpoint | undefined>(
    (found, each) => (found === undefined || each.savedAt > found.savedAt ? each : found),
    undefined,
  )
  const bytes = checkpoints.reduce((sum, each) => sum + each.bytes, 0)
  const full =
    free === undefined || bytesPerDay <= 0 ? undefined : (free.available / bytesPerDay) * 86_400_000
  return (
    <dl class="facts">
      <Fact
        title="Saved last"
        value={newest === undefined ? '' : `step ${newest.step}`}
        note={newest === undefined ? '' : formatAge(newest.savedAt, readAt)}
      />
      <Fact title="Checkpoints" value={checkpoints.length.toLocaleString('en')} note={formatSize(bytes)} />
      {bestOf(page).map(({ name, step, value }) => (
        <Fact
          key={name}
          title={`Best ${shortened(name, 40)}`}
          value={formatMetric(value)}
          note={`step ${step}`}
        />
      ))}
      {free !== undefined && (
        <Fact
          title="Free"
          value={formatSize(free.available)}
          note={
            full === undefined
              ? `of ${formatSize(free.total)}`
              : `full in about ${formatDuration(full)} at this rate`
          }
        />
      )}
      {mirror !== undefined && (
        <Fact
          title="Mirror"
          value={mirror.newest === undefined ? 'empty' : `step ${mirror.newest.step}`}
          note={
            mirror.waiting === 0
              ? 'has every checkpoint'
              : `lacks ${count(mirror.waiting, 'checkpoint')}, ${formatSize(mirror.waitingBytes)}`
          }
        />
      )}
    </dl>
  )
}

function Fact({
  title,
  value,
  note,
}: {
  readonly title: string
  readonly value: string
  readonly note: string
}) {
  return (
    <div>
      <dt dir="auto">{title}</dt>
      <dd>
        {value} <span class="muted">{note}</span>
      </dd>
    </div>
  )
}

function bestOf({
  checkpoints,
  metrics,
}: RunPage): readonly { readonly name: string; readonly step: number; readonly value: number | null }[] {
  return metrics.objectives.slice(0, 6).flatMap(({ name, values }) => {
    const best = checkpoints.find(({ bestOf = [] }) => bestOf.includes(name))
    if (best === undefined) return []
    return [{ name, step: best.step, value: values[metrics.steps.indexOf(best.step)] ?? null }]
  })
}
