import { useEffect, useState } from 'preact/hooks'
import type { RunPage } from '../src/run-page.ts'
import { fragmentOf, type Place } from './address.ts'
import { ChangeButton } from './changes.tsx'
import { Checkpoints } from './checkpoints.tsx'
import { Curves } from './curves.tsx'
import { Overview } from './overview.tsx'
import { Problems } from './problems.tsx'
import { Sizes } from './sizes.tsx'
import { formatTime, shortened } from './text.ts'
import { Timeline } from './timeline.tsx'
import { Commits, NextDrops } from './upkeep.tsx'

export interface RunOptions {
  readonly page: RunPage
  /** Absent in a report, which has no server to ask. */
  readonly place?: Place | undefined
  /** The page of all runs. */
  readonly back?: { readonly title: string; readonly address: string } | undefined
  readonly write?: boolean | undefined
}

/** The page of one run. */
export function Run({ page, place, back, write = false }: RunOptions) {
  const theme = useTheme()
  const { name, url, readAt, checkpoints, metrics, hasRetention } = page
  const isEmpty = checkpoints.length === 0 && metrics.steps.length === 0
  const addressOf =
    place === undefined ? undefined : (step: number) => fragmentOf({ ...place, checkpoint: step })
  return (
    <main>
      <header>
        {back !== undefined && (
          <nav aria-label="Other runs">
            <a href={back.address}>← {back.title}</a>
          </nav>
        )}
        <h1 dir="auto">{shortened(name, 100)}</h1>
        <p class="muted">
          <bdi>{shortened(url, 500)}</bdi> · as of {formatTime(readAt)} UTC
        </p>
      </header>
      <Problems page={page} />
      {isEmpty ? (
        <section class="notice">
          <h2>No checkpoint yet</h2>
          <p>The first save creates the store:</p>
          <pre>holdfast save FILE --step 0</pre>
        </section>
      ) : (
        <>
          <Overview page={page} />
          <Curves metrics={metrics} checkpoints={checkpoints} theme={theme} />
          <Checkpoints
            checkpoints={checkpoints}
            drops={page.nextDrops}
            metrics={metrics}
            hasRetention={hasRetention}
            addressOf={addressOf}
          />
          <NextDrops page={page} />
          {write && place !== undefined && (
            <ChangeButton place={place} change={{ kind: 'prune' }} title="Prune now …" />
          )}
          <Sizes page={page} />
          <Timeline checkpoints={checkpoints} />
          <Commits commits={page.commits} />
        </>
      )}
    </main>
  )
}

/** Changes if the colours of the system change. */
function useTheme(): string {
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const [isDark, setDark] = useState(dark.matches)
  useEffect(() => {
    const update = (): void => {
      setDark(dark.matches)
    }
    dark.addEventListener('change', update)
    return () => {
      dark.removeEventListener('change', update)
    }
  }, [])
  return isDark ? 'dark' : 'light'
}

export function titleOf({ name }: RunPage): string {
  return `${shortened(name, 100)} · Holdfast`
}
