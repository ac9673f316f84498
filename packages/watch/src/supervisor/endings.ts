import { constants } from 'node:os'

/** How a program ended. */
export type Ending =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signalled'; readonly signal: NodeJS.Signals }

/** Returns the exit code that a shell reports: 128 and the number of the signal that ended the program. */
export function exitCodeOf(ending: Ending): number {
  return ending.kind === 'exited' ? ending.code : exitCodeOfSignal(ending.signal)
}

export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}
