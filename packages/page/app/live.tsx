import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { type Asked, askAgain } from './ask.ts'
import { Failure } from './failure.tsx'

export interface LiveOptions<Content> {
  /** The path of the server that returns the content. */
  readonly path: string
  readonly token: string
  /** Milliseconds between two questions. */
  readonly interval: number
  readonly titleOf: (content: Content) => string
  readonly children: (content: Content) => ComponentChildren
}

/** Content that the server reads again and again. It is not asked while the page is hidden. */
export function Live<Content>({ path, token, interval, titleOf, children }: LiveOptions<Content>) {
  const [{ content, fault }, setState] = useState<Asked<Content>>({})
  useEffect(() => {
    const stop = new AbortController()
    setState({})
    void keepAsking(path, token, interval, stop.signal, setState)
    return () => {
      stop.abort()
    }
  }, [path, token, interval])
  useEffect(() => {
    if (content !== undefined) document.title = titleOf(content)
  }, [content])
  if (content === undefined && fault === undefined) {
    return (
      <main class="notice">
        <h1>Holdfast</h1>
        <p>Reading the store …</p>
      </main>
    )
  }
  if (content === undefined) return <Failure title="This cannot be shown" message={fault ?? ''} />
  return (
    <>
      {fault !== undefined && (
        <p class="stale" role="alert">
          {fault} The page shows what was read before.
        </p>
      )}
      {children(content)}
    </>
  )
}

async function keepAsking<Content>(
  path: string,
  token: string,
  interval: number,
  signal: AbortSignal,
  show: (state: Asked<Content>) => void,
): Promise<void> {
  let state: Asked<Content> = {}
  const isStopped = (): boolean => signal.aborted
  while (!isStopped()) {
    const next = document.hidden ? state : await askAgain(path, token, state)
    if (isStopped()) return
    if (next !== state) show(next)
    state = next
    await new Promise((resolve) => setTimeout(resolve, interval))
  }
}
