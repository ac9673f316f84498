import { throwIfAborted } from '@holdfast/core/backend'
import type { Adopter, ScanReport, WriterState } from './adoption/adopter.ts'
import type { WatchClock } from './clock.ts'
import { Notifications } from './notifications.ts'

export interface WatchLoopOptions {
  /** Milliseconds between two scans, at most. */
  readonly pollInterval: number
  readonly notifications: boolean
  /** Ends the loop after a last scan. */
  readonly until: AbortSignal | undefined
  /** Milliseconds after `until` for which saves that fail are tried again. Default: no limit. */
  readonly patience?: number | undefined
  /** Ends the loop at once. */
  readonly signal: AbortSignal | undefined
  /** Called after each scan that did not reject. */
  readonly onScanned: (report: ScanReport) => Promise<void> | void
  /** The state of the program that writes. Called before each scan. */
  readonly writer: () => WriterState
  readonly clock: WatchClock
}

/** Notifications come in crowds while a file grows. */
const leastInterval = 250
/**
 * Reading a large folder slows the trainer. So the pause after a survey is this many times as long as the survey, but at
 * most `pollInterval`.
 */
const restAfterSurvey = 10

/**
 * Scans until `until` fires and everything that is complete is adopted. When `until` fires, failed saves are tried at once,
 * however long they would have waited. Resolves with the names of what was adopted.
 */
export async function watchWith(
  adopter: Adopter,
  {
    pollInterval,
    until,
    patience = Infinity,
    signal,
    writer,
    clock,
    onScanned,
    ...options
  }: WatchLoopOptions,
): Promise<readonly string[]> {
  using notifications = new Notifications()
  const adopted: string[] = []
  let lastSince: number | undefined
  for (;;) {
    throwIfAborted(signal, 'The watch')
    const isLast = until?.aborted === true
    const change = notifications.next
    const began = clock.now()
    if (isLast && lastSince === undefined) {
      lastSince = began
      adopter.retryNow()
    }
    const isPatient = lastSince === undefined || began - lastSince < patience
    const report = await adopter.scan(writer()).catch((error: unknown) => {
      throwIfAborted(signal, 'The watch')
      throw error
    })
    await onScanned(report)
    adopted.push(...report.adopted)
    const retries = report.failing.filter(
      ({ error, overtakenBy }) => !isLast || (error.retryable && isPatient && overtakenBy === undefined),
    )
    const waits = [...retries.map(({ retryIn }) => retryIn), report.quietIn ?? []].flat()
    if (isLast && waits.length === 0) return adopted
    if (options.notifications) notifications.follow(report.folders)
    const ends = [signal, isLast ? undefined : until].filter((end) => end !== undefined)
    const pause = Math.max(leastInterval, Math.min(pollInterval, report.surveyTime * restAfterSurvey))
    const interval = Math.max(pause, Math.min(pollInterval, ...waits))
    await clock.wait(pause, AbortSignal.any(ends))
    await clock.wait(interval - pause, AbortSignal.any([...ends, change]))
  }
}
