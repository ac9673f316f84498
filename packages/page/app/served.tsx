import { useEffect, useState } from 'preact/hooks'
import type { RunPage } from '../src/run-page.ts'
import type { RunsPage } from '../src/runs-page.ts'
import { fragmentOf, pathOf, type Place, placeOf } from './address.ts'
import { CheckpointView } from './checkpoint.tsx'
import { Live } from './live.tsx'
import { Run, titleOf } from './run.tsx'
import { Runs } from './runs.tsx'
import { shortened } from './text.ts'

/** Milliseconds between two questions about a run. A new save appears within 2 seconds. */
const intervalOfRun = 1000

/** Each question about all runs takes requests of each of them. */
const intervalOfRuns = 30_000

export interface ServedOptions {
  readonly shows: 'run' | 'runs'
  readonly write: boolean
}

/** The pages of a server. The fragment of the address says which one is shown. */
export function Served({ shows, write }: ServedOptions) {
  const place = usePlace()
  const { token, run, checkpoint } = place
  if (shows === 'runs' && run === undefined) {
    return (
      <Live<RunsPage>
        key="runs"
        path="/runs"
        token={token}
        interval={intervalOfRuns}
        titleOf={({ prefix }) => `${shortened(prefix, 100)} · Holdfast`}
      >
        {(page) => <Runs page={page} addressOf={(name) => fragmentOf({ token, run: name })} />}
      </Live>
    )
  }
  const back = shows === 'runs' ? { title: 'All runs', address: fragmentOf({ token }) } : undefined
  if (checkpoint !== undefined) return <CheckpointView place={{ ...place, checkpoint }} write={write} />
  return (
    <Live<RunPage>
      key={`run ${run ?? ''}`}
      path={pathOf('run', { run })}
      token={token}
      interval={intervalOfRun}
      titleOf={titleOf}
    >
      {(page) => <Run page={page} place={place} back={back} write={write} />}
    </Live>
  )
}

function usePlace(): Place {
  const [place, setPlace] = useState(() => placeOf(location.hash))
  useEffect(() => {
    const update = (): void => {
      setPlace(placeOf(location.hash))
      scrollTo(0, 0)
    }
    addEventListener('hashchange', update)
    return () => {
      removeEventListener('hashchange', update)
    }
  }, [])
  return place
}
