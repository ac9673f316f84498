import { useEffect, useState } from 'preact/hooks'
import type { RunPage } from '../src/run-page.ts'
import { Checkpoints } from './checkpoints.tsx'
import { Curves } from './curves.tsx'
import { Overview, Pauses, Problems, Sizes } from './overview.tsx'
import { formatTime, shortened } from './text.ts'

/** The page of one run. */
export function Run({ page }: { readonly page: RunPage }) {
  const theme = useTheme()
  const { name, url, readAt, checkpoints, metrics, hasRetention } = page
  const isEmpty = checkpoints.length === 0 && metrics.steps.length === 0
  return (
    <main>
      <header>
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
          <Checkpoints checkpoints={checkpoints} metrics={metrics} hasRetention={hasRetention} />
          <Sizes page={page} />
          <Pauses page={page} />
        </>
      )}
    </main>
  )
}

export function Failure({ title, message }: { readonly title: string; readonly message: string }) {
  return (
    <main class="notice">
      <h1>{title}</h1>
      <p role="alert">{message}</p>
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
