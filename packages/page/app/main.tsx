import { render } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { RunPage } from '../src/run-page.ts'
import { Checkpoints } from './checkpoints.tsx'
import { Curves } from './curves.tsx'
import { Overview, Pauses, Problems, Sizes } from './overview.tsx'
import { embeddedPage } from './data.ts'
import { formatTime, shortened } from './text.ts'

function Run({ page }: { readonly page: RunPage }) {
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

function Failure({ message }: { readonly message: string }) {
  return (
    <main class="notice">
      <h1>This report cannot be shown</h1>
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

async function start(): Promise<void> {
  const place = document.getElementById('page')
  if (place === null) return
  try {
    const page = await embeddedPage(document)
    document.title = `${shortened(page.name, 100)} · Holdfast`
    place.replaceChildren()
    render(<Run page={page} />, place)
    requestAnimationFrame(() => performance.mark('shown'))
  } catch (error) {
    place.replaceChildren()
    render(<Failure message={error instanceof Error ? error.message : String(error)} />, place)
  }
}

await start()
