import type { PageCommit, RunPage } from '../src/run-page.ts'
import { count, formatSize, formatTime, shortened } from './text.ts'

const mostDrops = 20
const mostSteps = 10

/** What the next save would drop. */
export function NextDrops({ page: { nextDrops, hasRetention } }: { readonly page: RunPage }) {
  const bytes = nextDrops.reduce((sum, each) => sum + each.bytes, 0)
  return (
    <section aria-labelledby="drops">
      <h2 id="drops">What the next save would drop</h2>
      {nextDrops.length === 0 ? (
        <p class="muted">{hasRetention ? 'Nothing.' : 'Nothing: no retention is in force.'}</p>
      ) : (
        <>
          <p>
            {count(nextDrops.length, 'checkpoint')}, {formatSize(bytes)}{' '}
            <span class="muted">if it has the size of the latest checkpoint and is not the best</span>
          </p>
          <ul>
            {nextDrops.slice(0, mostDrops).map(({ step, because, bytes: size }) => (
              <li key={`${step} ${because}`}>
                step {step}, {formatSize(size)} <span class="muted">{shortened(because)}</span>
              </li>
            ))}
          </ul>
          {nextDrops.length > mostDrops && <p class="muted">{nextDrops.length - mostDrops} more</p>}
        </>
      )}
    </section>
  )
}

/** The latest changes of the store, the newest first. */
export function Commits({ commits }: { readonly commits: readonly PageCommit[] }) {
  if (commits.length === 0) return null
  return (
    <section aria-labelledby="commits">
      <h2 id="commits">Latest changes</h2>
      <details>
        <summary>{count(commits.length, 'change')}</summary>
        <ul>
          {commits.toReversed().map(({ at, did, dropped }, index) => (
            <li key={commits.length - index}>
              <bdi>{shortened(did)}</bdi>
              {dropped.length > 0 && `, dropped ${stepsText(dropped)}`}{' '}
              <span class="muted">{at === undefined ? '' : `${formatTime(at)} UTC`}</span>
            </li>
          ))}
        </ul>
      </details>
    </section>
  )
}

function stepsText(steps: readonly number[]): string {
  const named = steps.slice(0, mostSteps).join(', ')
  const more = steps.length > mostSteps ? ` and ${steps.length - mostSteps} more` : ''
  return `${steps.length === 1 ? 'step' : 'steps'} ${named}${more}`
}
