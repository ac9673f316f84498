import {
  type CheckpointStore,
  formatSize,
  HoldfastError,
  type Mirror,
  type MirrorStatus,
} from '@holdfast/core'
import { withHint } from './hints.ts'
import type { Printer } from './printer.ts'
import type { Progress } from './progress.ts'
import { count, formatAge, formatDuration, joined, stepsText } from './text.ts'

/** Prints why the mirror lacks something. The reason of repeated failures is printed once, until the mirror works again. */
export function noteMirror(store: CheckpointStore, printer: Printer): void {
  let noted: string | undefined
  store.on('mirrorFailed', ({ error }) => {
    const reason = error instanceof HoldfastError ? withHint(error) : error.message
    if (reason === noted) return
    noted = reason
    printer.note(`${reason} The checkpoints are in ${store.url}, and the mirror lacks some of them.`)
  })
  store.on('mirrored', () => {
    noted = undefined
  })
  store.on('droppedUnmirrored', ({ step, because }) => {
    printer.note(`step ${step} was dropped before the mirror had it: ${because}.`)
  })
}

/** Prints from where a restore reads if that is the mirror, and why if the mirror cannot be read. */
export function printSource(store: CheckpointStore, printer: Printer): void {
  let noted: string | undefined
  store.on('restoringFrom', ({ from, url, why, isMirrorRead }) => {
    if (from === 'mirror') printer.line(`${why} Restoring from ${url}`)
    if (from === 'mirror' || isMirrorRead || why === noted) return
    noted = why
    printer.note(why)
  })
}

/** Milliseconds after which a wait for the mirror is printed. */
const noticedWait = 3_000

/** Prints a note if the mirror has not answered after a few seconds. Disposing it ends the wait. */
export function noteWait({ mirror }: CheckpointStore, printer: Printer): Disposable {
  const timer =
    mirror &&
    setTimeout(() => {
      printer.note(`waiting for the mirror ${mirror.url}`)
    }, noticedWait)
  return {
    [Symbol.dispose]: () => {
      clearTimeout(timer)
    },
  }
}

/** Waits for the mirror after a save, and prints what came of it. Returns its status. */
export async function mirrorSaved(
  store: CheckpointStore,
  printer: Printer,
  progress: (what: string) => Progress,
  wait = true,
): Promise<MirrorStatus | undefined> {
  const { mirror } = store
  if (mirror === undefined) return undefined
  if (!wait) return leftWaiting(store, mirror, printer)
  const began = performance.now()
  const bar = progress('copying to the mirror')
  const steps: number[] = []
  const note = ({ step }: { readonly step: number }): void => {
    steps.push(step)
  }
  store.on('mirrored', note)
  using _ = noteWait(store, printer)
  try {
    const status = await mirror.flush()
    bar.stop()
    if (steps.length > 0) {
      const lasted = formatDuration(performance.now() - began)
      printer.line(joined(`mirrored ${stepsText(steps)} in ${lasted}`, mirror.url))
    }
    if (status.waiting.length > 0) printer.note(waitingText(status))
    return status
  } finally {
    bar.stop()
    store.off('mirrored', note)
  }
}

/** Without a wait, a save copies nothing. If all saves do that, nothing reaches the mirror unless another program copies. */
async function leftWaiting(store: CheckpointStore, mirror: Mirror, printer: Printer): Promise<MirrorStatus> {
  const status = await mirror.status()
  if (status.waiting.length > 1) {
    printer.note(
      `${waitingText(status)} Saves with --no-wait copy nothing: run holdfast copy ${store.url} ${mirror.url} --follow beside them.`,
    )
  }
  return status
}

/** Such as `mirror: 41, 9 min ago (1 waiting, 512 MB)`. */
export function mirrorText({ newest, waiting }: MirrorStatus, now: Date): string {
  const behind = waiting.length === 0 ? '' : ` (${waiting.length} waiting, ${sizeOf(waiting)})`
  return newest === undefined
    ? `mirror: nothing from this store yet${behind}`
    : `mirror: ${newest.step}, ${formatAge(newest.savedAt, now)}${behind}`
}

/** Returns why nothing reaches the mirror, as a sentence; `undefined` if no process has found such a reason. */
export function mirrorFailureText(
  { state, error, failingSince }: MirrorStatus,
  now: Date,
): string | undefined {
  if (error === undefined) return undefined
  const reason = error instanceof HoldfastError ? withHint(error) : error.message
  const since = failingSince === undefined ? '' : `, ${formatAge(failingSince, now)}`
  return state === 'fenced'
    ? `Another store has taken the mirror over${since}: ${reason}`
    : `The mirror failed${since}: ${reason}`
}

function waitingText({ url, waiting }: MirrorStatus): string {
  const verb = waiting.length === 1 ? 'waits' : 'wait'
  return `${count(waiting.length, 'checkpoint')} (${sizeOf(waiting)}) ${verb} for the mirror ${url}.`
}

function sizeOf(waiting: MirrorStatus['waiting']): string {
  return formatSize(waiting.reduce((sum, { bytes }) => sum + bytes, 0))
}
