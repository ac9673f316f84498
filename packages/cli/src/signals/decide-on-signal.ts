/** Signals that end a command or announce its end. */
export const handledSignals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const

export type HandledSignal = (typeof handledSignals)[number]

/** How far the end of a command has come. `at` is the time of the last signal that counted, in milliseconds. */
export type StopState =
  | { readonly state: 'running' }
  | { readonly state: 'finishing' | 'aborting'; readonly signal: HandledSignal; readonly at: number }

/**
 * What a signal means. `finish`: the command goes on for its grace. `abort`: it stops and cleans up. `exit`: the process
 * ends at once.
 */
export type OnSignal = 'ignore' | 'finish' | 'abort' | 'exit'

/** Process managers send one signal to a process and again to its group. */
const repetition = 1_000

/** How a command may end in order. */
export interface Finishing {
  /** The signals after which the command goes on for its grace. */
  readonly after: readonly HandledSignal[]
  /** Whether a hangup has no effect. */
  readonly ignoresHangup: boolean
}

/** Decides what a signal means. `finishing`: how the command may end in order, if it may. */
export function decideOnSignal(
  signal: HandledSignal,
  stop: StopState,
  finishing: Finishing | undefined,
  now: number,
): OnSignal {
  if (signal === 'SIGUSR1' || signal === 'SIGUSR2') return 'ignore'
  if (signal === 'SIGHUP' && finishing?.ignoresHangup === true) return 'ignore'
  if (stop.state === 'running') return finishing?.after.includes(signal) === true ? 'finish' : 'abort'
  if (signal === stop.signal && now - stop.at < repetition) return 'ignore'
  return stop.state === 'finishing' ? 'abort' : 'exit'
}
