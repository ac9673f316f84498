import type { PageCheckpoint, RunPage } from '../src/run-page.ts'
import { count, formatAge, formatDuration, formatMetric, formatSize, formatTime, shortened } from './text.ts'

/** The most important facts of a run. */
export function Overview({ page }: { readonly page: RunPage }) {
  const { checkpoints, readAt, free } = page
  const newest = checkpoints.reduce<PageCheckpoint | undefined>(
    (found, each) => (found === undefined || each.savedAt > found.savedAt ? each : found),
    undefined,
  )
  const bytes = checkpoints.reduce((sum, each) => sum + each.bytes, 0)
  const full = free === undefined ? undefined : fullIn(checkpoints, free.available)
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

/** What needs attention. Nothing if all is well. */
export function Problems({ page }: { readonly page: RunPage }) {
  const { quarantined } = page
  if (quarantined.length === 0) return null
  return (
    <section class="problem" aria-labelledby="damage">
      <h2 id="damage">Damage</h2>
      <p>
        {count(quarantined.length, 'checkpoint')} in quarantine. They are never restored. Nothing was deleted.
        Verify them to list them again if they are good.
      </p>
      <ul>
        {quarantined.slice(0, 20).map(({ step, reason, at }) => (
          <li key={step}>
            step {step}, {formatTime(at)} UTC: <bdi>{shortened(reason)}</bdi>
          </li>
        ))}
      </ul>
      {quarantined.length > 20 && <p>{quarantined.length - 20} more</p>}
    </section>
  )
}

/** How many bytes are kept for each reason. */
export function Sizes({ page }: { readonly page: RunPage }) {
  const sums = sizesByReason(page)
  const most = Math.max(...sums.map(({ bytes }) => bytes), 1)
  return (
    <section aria-labelledby="sizes">
      <h2 id="sizes">Size by reason</h2>
      <p class="muted">A checkpoint with several reasons counts for the first one.</p>
      <div class="scroll" role="region" aria-label="Table of sizes" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col" class="text">
                Reason
              </th>
              <th scope="col">Checkpoints</th>
              <th scope="col">Size</th>
              <th scope="col">
                <span class="hidden">Share</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {sums.map(({ reason, bytes, number }) => (
              <tr key={reason}>
                <th scope="row" class="text">
                  <bdi>{shortened(reason, 80)}</bdi>
                </th>
                <td>{number}</td>
                <td>{formatSize(bytes)}</td>
                <td class="bar">
                  <meter aria-label={`share of ${shortened(reason, 80)}`} min={0} max={most} value={bytes} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}

/** The longest pauses between two saves. */
export function Pauses({ page }: { readonly page: RunPage }) {
  const saves = page.checkpoints.toSorted((one, other) => one.savedAt - other.savedAt)
  const pauses = saves
    .slice(1)
    .map((save, index) => ({
      save,
      before: saves[index],
      length: save.savedAt - (saves[index]?.savedAt ?? 0),
    }))
    .toSorted((one, other) => other.length - one.length)
    .slice(0, 5)
  if (pauses.length === 0) return null
  return (
    <section aria-labelledby="pauses">
      <h2 id="pauses">Longest pauses between kept checkpoints</h2>
      <ul>
        {pauses.map(({ save, before, length }) => (
          <li key={save.step}>
            {formatDuration(length)} before step {save.step}{' '}
            <span class="muted">
              after step {before?.step}, {formatTime(save.savedAt)} UTC
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

interface ReasonSum {
  readonly reason: string
  readonly bytes: number
  readonly number: number
}

function sizesByReason({ checkpoints, hasRetention }: RunPage): readonly ReasonSum[] {
  const sums = new Map<string, { bytes: number; number: number }>()
  for (const { kept, bytes } of checkpoints) {
    const reason = kept?.[0] ?? (hasRetention ? 'nothing: the next save drops it' : 'no retention')
    const sum = sums.get(reason) ?? { bytes: 0, number: 0 }
    sums.set(reason, { bytes: sum.bytes + bytes, number: sum.number + 1 })
  }
  return [...sums]
    .map(([reason, sum]) => ({ reason, ...sum }))
    .toSorted((one, other) => other.bytes - one.bytes)
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

/** When the space runs out if checkpoints go on to be kept as they were; `undefined` if that cannot be estimated. */
function fullIn(checkpoints: readonly PageCheckpoint[], available: number): number | undefined {
  const times = checkpoints.map(({ savedAt }) => savedAt)
  const [first, last] = [
    times.reduce((a, b) => Math.min(a, b), Infinity),
    times.reduce((a, b) => Math.max(a, b), -Infinity),
  ]
  const bytes = checkpoints.reduce((sum, each) => sum + each.bytes, 0)
  if (checkpoints.length < 3 || last - first < 60_000 || bytes === 0) return undefined
  return (available * (last - first)) / bytes
}
