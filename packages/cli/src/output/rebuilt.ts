import type { CheckpointStore } from '@holdfast/core'
import type { Printer } from './printer.ts'
import { commandOn, stepsText } from './text.ts'

/** Warns if a command rebuilds a damaged or lost catalog. `name` names the store if the command works on several. */
export function noteRebuilt(store: CheckpointStore, printer: Printer, name?: string): void {
  store.on('rebuilt', ({ version, checkpoints, pinned, pinnedSeveralTimes, reason }) => {
    if (reason === undefined) return // only `repair` does that, and prints what it has changed
    const place = name === undefined ? '' : `${name}: `
    printer.warn(
      `${place}${reason} So the catalog was rebuilt from the checkpoints in the store.${pinnedText(pinned)}${severalText(pinnedSeveralTimes)}`,
    )
    printer.data({ type: 'rebuilt', url: store.url, version, checkpoints, pinned, reason })
  })
}

function pinnedText(pinned: readonly number[]): string {
  const [first] = pinned
  if (first === undefined) return ''
  const mayBePinned = ` It may have pinned ${stepsText(pinned)},`
  return pinned.length === 1
    ? `${mayBePinned} so it is pinned now. If it need not stay: holdfast unpin ${first}`
    : `${mayBePinned} so they are pinned now. If they need not stay: ${commandOn('unpin', pinned)}`
}

function severalText(steps: readonly number[]): string {
  return steps.length === 0
    ? ''
    : `. Repeat it for ${stepsText(steps)}, of which several checkpoints are pinned`
}
