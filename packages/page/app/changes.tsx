import { useEffect, useRef, useState } from 'preact/hooks'
import type { ChangePlan, RunChange } from '../src/source.ts'
import { pathOf, type Place } from './address.ts'
import { post, Refused } from './ask.ts'
import { count, formatSize, formatTime, shortened } from './text.ts'

const mostSteps = 50

interface Planned {
  readonly plan: ChangePlan
  /** Names the plan that is confirmed. */
  readonly digest: string
}

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'planning' }
  | { readonly kind: 'planned'; readonly planned: Planned }
  | { readonly kind: 'changing'; readonly planned: Planned }
  | { readonly kind: 'refused'; readonly why: string }

export interface ChangeOptions {
  readonly place: Place
  readonly change: RunChange
  /** The text of the button. */
  readonly title: string
  readonly onDone?: () => void
}

/** A button that shows what a change would do, and makes the change once a person confirms that. */
export function ChangeButton({ place, change, title, onDone }: ChangeOptions) {
  const [state, setState] = useState<State>({ kind: 'idle' })
  const dialog = useRef<HTMLDialogElement>(null)
  const isOpen = state.kind !== 'idle'
  // A browser may close the dialog although its cancellation is prevented, so each new state opens it again.
  useEffect(() => {
    if (isOpen && dialog.current?.open === false) dialog.current.showModal()
    if (!isOpen) dialog.current?.close()
  }, [isOpen, state])
  const { token, run } = place
  const planning = useRef<AbortController | undefined>(undefined)
  const close = (): void => {
    planning.current?.abort()
    setState({ kind: 'idle' })
  }
  const plan = async (): Promise<void> => {
    planning.current?.abort()
    const { signal } = (planning.current = new AbortController())
    setState({ kind: 'planning' })
    const outcome = await outcomeOf(async () => {
      const planned = await post<Planned>(pathOf('plan', { run }), token, change, signal)
      return { kind: 'planned', planned }
    })
    if (!signal.aborted) setState(outcome) // a closed dialog stays closed
  }
  const confirm = async (planned: Planned): Promise<void> => {
    setState({ kind: 'changing', planned })
    setState(
      await outcomeOf(async () => {
        await post(pathOf('change', { run }), token, { ...change, confirmed: planned.digest })
        onDone?.()
        return { kind: 'idle' }
      }),
    )
  }
  return (
    <>
      <button
        type="button"
        onClick={() => {
          if (state.kind === 'changing') dialog.current?.showModal()
          else void plan()
        }}
      >
        {title}
      </button>
      <dialog
        ref={dialog}
        aria-label={title.replace(' …', '')}
        onCancel={(event) => {
          // A change that was sent is not stopped. The dialog shows its outcome.
          if (state.kind === 'changing') event.preventDefault()
          else close()
        }}
        onClose={() => {
          if (state.kind !== 'changing' && dialog.current?.open === false) close()
        }}
      >
        {isOpen && (
          <Question state={state} title={title.replace(' …', '')} onClose={close} onConfirm={confirm} />
        )}
      </dialog>
    </>
  )
}

interface QuestionOptions {
  readonly state: State
  readonly title: string
  readonly onClose: () => void
  readonly onConfirm: (planned: Planned) => Promise<void>
}

function Question({ state, title, onClose, onConfirm }: QuestionOptions) {
  const planned = 'planned' in state ? state.planned : undefined
  return (
    <>
      <h2>{title}?</h2>
      {state.kind === 'planning' && <p>Looking at what it would do …</p>}
      {state.kind === 'refused' && <p role="alert">{state.why}</p>}
      {planned !== undefined && <Effect plan={planned.plan} />}
      <div class="controls">
        <button type="button" disabled={state.kind === 'changing'} onClick={onClose}>
          {state.kind === 'refused' ? 'Close' : 'Cancel'}
        </button>
        {planned !== undefined && (
          <button
            type="button"
            class="danger"
            disabled={state.kind === 'changing'}
            onClick={() => void onConfirm(planned)}
          >
            {state.kind === 'changing' ? 'Changing …' : title}
          </button>
        )}
      </div>
    </>
  )
}

function Effect({ plan: { effect, steps, undoUntil } }: { readonly plan: ChangePlan }) {
  const bytes = steps.reduce((sum, each) => sum + each.bytes, 0)
  return (
    <>
      <p>{effect}</p>
      {undoUntil !== undefined && <p>Until {formatTime(undoUntil)} UTC, holdfast undo can restore them.</p>}
      {steps.length > 0 && (
        <>
          <p>
            {count(steps.length, 'checkpoint')}, {formatSize(bytes)}
          </p>
          <ul class="long" tabIndex={0} aria-label="Checkpoints that change">
            {steps.slice(0, mostSteps).map(({ step, bytes: size, because }) => (
              <li key={step}>
                step {step}, {formatSize(size)} <span class="muted">{shortened(because)}</span>
              </li>
            ))}
          </ul>
          {steps.length > mostSteps && <p class="muted">{steps.length - mostSteps} more</p>}
        </>
      )}
    </>
  )
}

async function outcomeOf(work: () => Promise<State>): Promise<State> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return { kind: 'refused', why: error.message }
  }
}
