/** Signals that a supervisor receives in place of its program. */
export const handledSignals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const

/** A signal that `runProgram()` handles while the program runs. */
export type HandledSignal = (typeof handledSignals)[number]

/** The first signal that requested a stop. `at` is in milliseconds of a clock that never goes back. */
export interface StopRequest {
  readonly signal: HandledSignal
  readonly at: number
}

/** `stop` passes the signal on and ends in order. `abort` ends everything at once. */
export type OnSignal = 'forward' | 'stop' | 'abort' | 'ignore'

/** A process manager may send one signal to a process and to its group. */
const repetition = 1_000

/** Decides what a signal means, given the request for a stop that came first. */
export function decideOnSignal(
  signal: HandledSignal,
  request: StopRequest | undefined,
  now: number,
): OnSignal {
  if (signal !== 'SIGTERM' && signal !== 'SIGINT') return 'forward'
  if (request === undefined) return 'stop'
  return now - request.at < repetition ? 'ignore' : 'abort'
}
