import { useEffect, useState } from 'preact/hooks'
import type { RunPage } from '../src/run-page.ts'
import { Failure, Run, titleOf } from './run.tsx'

/** Milliseconds between two questions. A new save appears within 2 seconds. */
const interval = 1000

interface LiveState {
  readonly page?: RunPage
  /** Names the version of the page, so that an unchanged one is not sent again. */
  readonly version?: string
  /** Why the page may be old, in a sentence. */
  readonly fault?: string
}

/** The page of a run that a server reads again and again. It stops while the page is hidden. */
export function Live({ token }: { readonly token: string }) {
  const [{ page, fault }, setState] = useState<LiveState>({})
  useEffect(() => {
    const stop = new AbortController()
    void keepAsking(token, stop.signal, setState)
    return () => {
      stop.abort()
    }
  }, [token])
  useEffect(() => {
    if (page !== undefined) document.title = titleOf(page)
  }, [page])
  if (page === undefined && fault === undefined) {
    return (
      <main class="notice">
        <h1>Holdfast</h1>
        <p>Reading the store …</p>
      </main>
    )
  }
  if (page === undefined) return <Failure title="This run cannot be shown" message={fault ?? ''} />
  return (
    <>
      {fault !== undefined && (
        <p class="stale" role="alert">
          {fault} The page shows what was read before.
        </p>
      )}
      <Run page={page} />
    </>
  )
}

async function keepAsking(
  token: string,
  signal: AbortSignal,
  show: (state: LiveState) => void,
): Promise<void> {
  let state: LiveState = {}
  while (!signal.aborted) {
    const next = document.hidden ? state : await ask(token, state)
    if (next !== state) show(next)
    state = next
    await new Promise((resolve) => setTimeout(resolve, interval))
  }
}

/** Asks the server once. Returns the same state if nothing has changed. */
async function ask(token: string, before: LiveState): Promise<LiveState> {
  const { page, version } = before
  try {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(version === undefined ? {} : { 'if-none-match': version }),
    }
    const response = await fetch('/run', { headers, cache: 'no-store' })
    if (response.status === 304) return before.fault === undefined ? before : withoutFault(before)
    if (!response.ok) return failed(before, await response.text())
    const read = (await response.json()) as RunPage
    return { page: read, version: response.headers.get('etag') ?? '' }
  } catch {
    return failed(before, 'The server of this page does not answer. Start holdfast ui again.')
  }

  function failed(state: LiveState, fault: string): LiveState {
    if (state.fault === fault) return state
    return { ...(page === undefined ? {} : { page }), ...(version === undefined ? {} : { version }), fault }
  }
}

function withoutFault({ fault: _, ...others }: LiveState): LiveState {
  return others
}
