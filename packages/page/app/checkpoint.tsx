import { useEffect, useState } from 'preact/hooks'
import type { CheckpointPage, CutText, DifferencePage, TensorsPage } from '../src/checkpoint-page.ts'
import { fragmentOf, pathOf, type Place } from './address.ts'
import { askFor, Refused } from './ask.ts'
import { ChangeButton } from './changes.tsx'
import { Difference } from './difference.tsx'
import { Failure } from './failure.tsx'
import { Table } from './table.tsx'
import { count, formatDuration, formatRate, formatSize, formatTime, shortened } from './text.ts'
import { rateOf } from './times.ts'

type Loaded<Content> =
  | { readonly kind: 'loading' }
  | { readonly kind: 'loaded'; readonly content: Content }
  | { readonly kind: 'failed'; readonly why: string }

export interface CheckpointOptions {
  readonly place: Place & { readonly checkpoint: number }
  readonly write: boolean
}

/** One checkpoint: its facts, files, tensors and metadata, and a comparison with another one. */
export function CheckpointView({ place, write }: CheckpointOptions) {
  const { token, run, checkpoint: step, other } = place
  const [reads, setReads] = useState(0)
  const details = useAnswer<CheckpointPage>(pathOf('checkpoint', { run, checkpoint: step }), token, reads)
  useEffect(() => {
    document.title = `step ${step} · Holdfast`
  }, [step])
  const readAgain = (): void => {
    setReads(reads + 1)
  }
  const back = fragmentOf({ token, ...(run === undefined ? {} : { run }) })
  if (details.kind === 'failed')
    return <Failure title={`Step ${step} cannot be shown`} message={details.why} />
  return (
    <main>
      <header>
        <nav aria-label="The run">
          <a href={back}>← {run === undefined ? 'The run' : shortened(run, 60)}</a>
        </nav>
        <h1>Step {step}</h1>
      </header>
      {details.kind === 'loading' ? (
        <p>Reading the checkpoint …</p>
      ) : (
        <>
          <Facts page={details.content} />
          {write && <Changes place={place} page={details.content} onDone={readAgain} />}
          <Compare place={place} />
          {other !== undefined && <Compared place={place} other={other} />}
          <Contents page={details.content} />
          <Tensors place={place} />
        </>
      )}
    </main>
  )
}

function Facts({ page }: { readonly page: CheckpointPage }) {
  const { epoch, savedAt, bytes, saving, kept, tags, pinned, files } = page
  const rate = rateOf(bytes, saving)
  const number = files.shown.length + files.more
  return (
    <dl class="facts">
      <div>
        <dt>Size</dt>
        <dd>
          {formatSize(bytes)} <span class="muted">{count(number, 'file')}</span>
        </dd>
      </div>
      <div>
        <dt>Saved (UTC)</dt>
        <dd>
          {formatTime(savedAt)}{' '}
          <span class="muted">
            {[
              ...(saving === undefined ? [] : [`in ${formatDuration(saving)}`]),
              ...(rate === undefined ? [] : [formatRate(rate)]),
              ...(epoch === undefined ? [] : [`epoch ${epoch}`]),
            ].join(', ')}
          </span>
        </dd>
      </div>
      <div>
        <dt>Kept because</dt>
        <dd class="small">
          <bdi>{shortened(kept.join(', ') || 'no reason')}</bdi>{' '}
          <span class="muted">
            <bdi>
              {pinned?.reason === undefined ? '' : `pinned: ${shortened(pinned.reason)}`}
              {shortened(tags.map((tag) => ` #${tag}`).join(''))}
            </bdi>
          </span>
        </dd>
      </div>
    </dl>
  )
}

interface ChangesOptions {
  readonly place: Place & { readonly checkpoint: number }
  readonly page: CheckpointPage
  readonly onDone: () => void
}

function Changes({ place, page, onDone }: ChangesOptions) {
  const [reason, setReason] = useState('')
  const { checkpoint: step } = place
  const pin = { kind: 'pin', step, ...(reason === '' ? {} : { reason }) } as const
  return (
    <section aria-labelledby="change">
      <h2 id="change">Change</h2>
      <div class="controls">
        {page.pinned === undefined ? (
          <>
            <label>
              Reason{' '}
              <input
                type="text"
                maxLength={200}
                value={reason}
                onInput={(event) => {
                  setReason(event.currentTarget.value)
                }}
              />
            </label>
            <ChangeButton place={place} change={pin} title="Pin …" onDone={onDone} />
          </>
        ) : (
          <ChangeButton place={place} change={{ kind: 'unpin', step }} title="Unpin …" onDone={onDone} />
        )}
        <ChangeButton
          place={place}
          change={{ kind: 'rewind', step }}
          title="Rewind to this step …"
          onDone={onDone}
        />
      </div>
    </section>
  )
}

function Compare({ place }: { readonly place: Place & { readonly checkpoint: number } }) {
  const [text, setText] = useState(place.other === undefined ? '' : String(place.other))
  return (
    <form
      class="controls"
      onSubmit={(event) => {
        event.preventDefault()
        const other = Number(text)
        if (/^\d+$/.test(text) && Number.isSafeInteger(other)) location.hash = fragmentOf({ ...place, other })
      }}
    >
      <label>
        Compare with step{' '}
        <input
          inputMode="numeric"
          pattern="[0-9]+"
          size={8}
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value)
          }}
        />
      </label>
      <button type="submit">Compare</button>
    </form>
  )
}

function Compared({ place, other }: { readonly place: Place; readonly other: number }) {
  const { token, run, checkpoint } = place
  const answer = useAnswer<DifferencePage>(
    pathOf('difference', { run, checkpoint: other, other: checkpoint }),
    token,
  )
  if (answer.kind === 'failed') return <p role="alert">{answer.why}</p>
  if (answer.kind === 'loading') return <p>Comparing …</p>
  return <Difference page={answer.content} />
}

function Contents({ page: { files, metrics, metadata, dataState } }: { readonly page: CheckpointPage }) {
  return (
    <>
      <Table
        id="files"
        title="Files"
        columns={['File', 'Size', 'SHA-256']}
        rows={files.shown.map(({ name, size, sha256 }) => [name, formatSize(size), sha256])}
        more={files.more}
      />
      {metrics.shown.length > 0 && (
        <Table
          id="metrics"
          title="Metrics"
          columns={['Metric', 'Value']}
          rows={metrics.shown.map(({ name, value }) => [name, value])}
          more={metrics.more}
        />
      )}
      <Text id="metadata" title="Metadata" text={metadata} />
      <Text id="state" title="Position in the data" text={dataState} />
    </>
  )
}

function Text({
  id,
  title,
  text,
}: {
  readonly id: string
  readonly title: string
  readonly text: CutText | undefined
}) {
  if (text === undefined) return null
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <pre class="long" dir="auto" tabIndex={0}>
        {text.text}
        {text.more > 0 && '…'}
      </pre>
      {text.more > 0 && <p class="muted">{count(text.more, 'character')} more</p>}
    </section>
  )
}

function Tensors({ place: { token, run, checkpoint } }: { readonly place: Place }) {
  const answer = useAnswer<TensorsPage>(pathOf('tensors', { run, checkpoint }), token)
  if (answer.kind === 'loading') return <p>Reading the names of tensors …</p>
  if (answer.kind === 'failed') return <p role="alert">{answer.why}</p>
  return (
    <>
      {answer.content.files.map(({ file, format, problem, tensors }, index) =>
        problem === undefined ? (
          <Table
            key={file}
            id={`tensors-${index}`}
            title={`Tensors of ${shortened(file, 80)} (${format})`}
            columns={['Tensor', 'Type', 'Shape']}
            rows={tensors.shown.map(({ name, type, shape }) => [name, type, shape])}
            more={tensors.more}
          />
        ) : (
          <p key={file} class="problem">
            The tensors of <bdi>{shortened(file)}</bdi> cannot be read: {shortened(problem)}
          </p>
        ),
      )}
    </>
  )
}

function useAnswer<Content>(path: string, token: string, reads = 0): Loaded<Content> {
  const [loaded, setLoaded] = useState<Loaded<Content>>({ kind: 'loading' })
  useEffect(() => {
    const stop = new AbortController()
    setLoaded({ kind: 'loading' })
    const ask = async (): Promise<void> => {
      const answer = await answerOf<Content>(path, token)
      if (!stop.signal.aborted) setLoaded(answer)
    }
    void ask()
    return () => {
      stop.abort()
    }
  }, [path, token, reads])
  return loaded
}

async function answerOf<Content>(path: string, token: string): Promise<Loaded<Content>> {
  try {
    return { kind: 'loaded', content: await askFor<Content>(path, token) }
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return { kind: 'failed', why: error.message }
  }
}
