import { type Ending, exitCodeOf } from './endings.ts'

/** How often, and how soon, a program is started again. */
export interface RestartLimits {
  /** Restarts at most. Those before a long and fruitful start do not count. */
  readonly restarts: number
  /** Milliseconds before the first restart. Each later one waits twice as long, until a checkpoint is saved. */
  readonly firstDelay: number
  readonly longestDelay: number
}

export const defaultLimits: RestartLimits = { restarts: 5, firstDelay: 1_000, longestDelay: 60_000 }

/** A start that lasts this long (milliseconds) and saves a checkpoint has overcome what failed before it. */
export const longStart = 10 * 60_000

/** What is remembered from one start to the next. */
export interface RestartCount {
  /** Restarts that count against the limit. */
  readonly restarts: number
  /** Failures since the last checkpoint was saved. */
  readonly fruitless: number
}

export const noRestarts: RestartCount = { restarts: 0, fruitless: 0 }

/** What happened in one start of the program. */
export interface PastStart {
  readonly ending: Ending
  /** Milliseconds from the start to the end of the program. */
  readonly lasted: number
  readonly hasSaved: boolean
  /** A stop was requested. */
  readonly isStopping: boolean
  /** Signals that were passed on to the program. */
  readonly forwarded: ReadonlySet<NodeJS.Signals>
}

export type Next =
  | { readonly do: 'stop'; readonly why: 'finished' | 'requested' | 'exhausted' }
  /** `delay` is in milliseconds. */
  | { readonly do: 'restart'; readonly count: RestartCount; readonly delay: number }

/**
 * Decides what follows the end of a program. A program that exits with 0 has finished. A program that ends by a signal
 * that was passed on to it has stopped as requested. Anything else is a failure, and the program is started again.
 */
export function decideNext(past: PastStart, before: RestartCount, limits: RestartLimits): Next {
  const { ending, lasted, hasSaved, isStopping, forwarded } = past
  if (exitCodeOf(ending) === 0) return { do: 'stop', why: 'finished' }
  if (isStopping || (ending.kind === 'signalled' && forwarded.has(ending.signal)))
    return { do: 'stop', why: 'requested' }
  const counted = hasSaved && lasted >= longStart ? 0 : before.restarts
  if (counted >= limits.restarts) return { do: 'stop', why: 'exhausted' }
  const fruitless = hasSaved ? 0 : before.fruitless
  const delay = Math.min(limits.longestDelay, limits.firstDelay * 2 ** Math.min(fruitless, 30))
  return { do: 'restart', count: { restarts: counted + 1, fruitless: fruitless + 1 }, delay }
}
