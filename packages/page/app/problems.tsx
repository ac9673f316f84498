import type { RunPage } from '../src/run-page.ts'
import { count, formatAge, formatTime, shortened } from './text.ts'

/** Lines of a list of problems. */
const mostLines = 20

/** What needs attention. Nothing if all is well. */
export function Problems({ page }: { readonly page: RunPage }) {
  return (
    <>
      <Damage page={page} />
      <MissingRanks page={page} />
    </>
  )
}

function Damage({ page: { quarantined } }: { readonly page: RunPage }) {
  if (quarantined.length === 0) return null
  return (
    <section class="problem" aria-labelledby="damage">
      <h2 id="damage">Damage</h2>
      <p>
        {count(quarantined.length, 'checkpoint')} in quarantine. They are never restored. Nothing was deleted.
        Verify them to list them again if they are good.
      </p>
      <ul>
        {quarantined.slice(0, mostLines).map(({ step, reason, at }) => (
          <li key={step}>
            step {step}, {formatTime(at)} UTC: <bdi>{shortened(reason)}</bdi>
          </li>
        ))}
      </ul>
      {quarantined.length > mostLines && <p>{quarantined.length - mostLines} more</p>}
    </section>
  )
}

/** The joint saves for which ranks have not delivered their parts. */
function MissingRanks({ page: { unfinished, readAt } }: { readonly page: RunPage }) {
  if (unfinished.length === 0) return null
  return (
    <section class="problem" aria-labelledby="ranks">
      <h2 id="ranks">Waiting for ranks</h2>
      <ul>
        {unfinished.slice(0, mostLines).map(({ step, size, missing, since }) => (
          <li key={`${step} ${since}`}>
            step {step}: {size - missing.length} of {count(size, 'part')}
            {missing.length === 0 ? ', not committed yet' : `, missing ${ranksText(missing)}`}{' '}
            <span class="muted">began {formatAge(since, readAt)}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** Ranks that are named. */
const mostRanks = 16

function ranksText(ranks: readonly number[]): string {
  const named = ranks.slice(0, mostRanks).join(', ')
  const more = ranks.length > mostRanks ? ` and ${ranks.length - mostRanks} more` : ''
  return `${ranks.length === 1 ? 'rank' : 'ranks'} ${named}${more}`
}
